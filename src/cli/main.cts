#!/usr/bin/env node
/**
 * The entry of the program. It is CommonJS for one reason: Node reads ES modules on its thread pool, whose size is
 * settled at that first use, and LevelDB needs more threads than the default of four (measured on Node 20: set in an
 * ES module, UV_THREADPOOL_SIZE has no effect).
 */
process.env['UV_THREADPOOL_SIZE'] ??= '16';

void import('./run.ts').then(({ run }) => run(process.argv));
