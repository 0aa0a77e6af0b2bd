import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { names } from '../../../src/storage/data-dir-files.ts';

/** The sources stay beside this file's own source; it runs from `dist`. */
const sources = fileURLToPath(new URL('../../../../test/crash/shim/', import.meta.url));

/** Where it works: libc is what both LevelDB and Node go through, on Linux. */
export type ShimBuild =
  { readonly path: string } | { readonly path: undefined; readonly reason: string };

/**
 * Compiles the shim with the machine's cc, once per source. Throws where `CI` is set and it cannot: there nothing
 * may be skipped.
 */
export function buildShim(): ShimBuild {
  const built = build();
  if (built.path === undefined && (process.env['CI'] ?? '') !== '') throw new Error(built.reason);
  return built;
}

function build(): ShimBuild {
  if (process.platform !== 'linux') {
    return { path: undefined, reason: 'the shim needs Linux and its dynamic loader' };
  }
  const names = readdirSync(sources).filter((name) => /\.[ch]$/.test(name));
  const hash = createHash('sha256').update(process.arch);
  for (const name of names.sort()) hash.update(name).update(readFileSync(join(sources, name)));
  const folder = join(tmpdir(), `quorate-shim-${process.getuid?.() ?? 0}`);
  const path = join(folder, `shim-${hash.digest('hex').slice(0, 16)}.so`);
  if (existsSync(path)) return { path };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files = names.filter((name) => name.endsWith('.c')).map((name) => join(sources, name));
  const unfinished = `${path}.${process.pid}`;
  const flags = [
    '-shared',
    '-fPIC',
    '-O2',
    '-Wall',
    '-o',
    unfinished,
    ...files,
    '-ldl',
    '-lpthread',
  ];
  const { status, error, stderr } = spawnSync('cc', flags, { encoding: 'utf8' });
  if (status !== 0) {
    return { path: undefined, reason: `cc cannot build the shim: ${String(error ?? stderr)}` };
  }
  // Several processes may build it at once: each renames a whole file.
  renameSync(unfinished, path);
  return { path };
}

export interface ShimUse {
  /** The data dir: an absolute path without symbolic links, also before it exists. */
  readonly dataDir: string;
  readonly trace?: string;
  readonly faults?: string;
}

/** The environment of a member that runs under the shim. */
export function shimEnvironment(shim: string, use: ShimUse): Record<string, string> {
  return {
    LD_PRELOAD: shim,
    // What goes through a ring of the kernel does not go through libc.
    UV_USE_IO_URING: '0',
    QUORATE_SHIM_DIR: use.dataDir,
    // 64 MiB that only keep room: nobody reads them.
    QUORATE_SHIM_BLANK: names.reserve,
    ...(use.trace === undefined ? {} : { QUORATE_SHIM_TRACE: use.trace }),
    ...(use.faults === undefined ? {} : { QUORATE_SHIM_FAULTS: use.faults }),
  };
}
