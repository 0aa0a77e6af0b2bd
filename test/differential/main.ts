import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { engineNamed, engineUnderTest } from '../grpc/engine-under-test.ts';
import { ensureEtcd } from '../interop/toolchain.ts';
import { programNamed, type Program } from '../members/programs.ts';
import { describeAnswer, describeOperation } from './describe.ts';
import { runDifferential, type Difference, type RunResult } from './run.ts';
import { shrink } from './shrink.ts';
import { hasToldUsage } from '../usage.ts';

/**
 * Sends one random stream of requests to a real etcd and to this store and compares every answer.
 *
 *   npm run diff -- --seed 7 --ops 20000
 *
 * Exit code 0 when nothing differs, 1 when something does, 2 for a wrong argument.
 */

interface Arguments {
  readonly seed: number;
  readonly operations: number;
  readonly members: number;
  readonly differencesMax: number;
  readonly restartEvery: number;
  readonly subject: Program;
  readonly shrinks: boolean;
}

const usage = `usage: npm run diff -- [--seed N] [--ops M] [--members K] [--differences D]
                  [--restart-every R] [--subject quorate|etcd]
                  [--grpc-engine fast|grpc-js] [--no-shrink]`;

function parse(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
      ops: { type: 'string', default: '20000' },
      members: { type: 'string', default: '1' },
      differences: { type: 'string', default: '10' },
      'restart-every': { type: 'string', default: '0' },
      subject: { type: 'string', default: 'quorate' },
      'grpc-engine': { type: 'string', default: engineUnderTest },
      'no-shrink': { type: 'boolean', default: false },
    },
  });
  return {
    seed: wholeNumber('seed', values.seed),
    operations: wholeNumber('ops', values.ops),
    members: wholeNumber('members', values.members),
    differencesMax: wholeNumber('differences', values.differences),
    restartEvery: wholeNumber('restart-every', values['restart-every'], 0),
    subject: programNamed(values.subject, engineNamed(values['grpc-engine'])),
    shrinks: !values['no-shrink'],
  };
}

function wholeNumber(name: string, text: string, least = 1): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new Error(`--${name}: a whole number from ${least} is expected, not ${text}`);
  }
  return value;
}

function showProgress(done: number, of: number): void {
  if (!process.stderr.isTTY || done % 50 !== 0) return;
  process.stderr.write(`\r${done} of ${of} operations`);
  if (done === of) process.stderr.write('\r\x1b[K');
}

function printDifference(seed: number, found: Difference): void {
  console.log(`DIFFERENCE at operation ${found.index} of seed ${seed}: ${found.what}`);
  console.log(`  request: ${describeOperation(found.operation)}`);
  console.log(`  etcd:    ${describeAnswer(found.reference)}`);
  console.log(`  subject: ${describeAnswer(found.subject)}`);
}

async function main(args: Arguments): Promise<number> {
  if (!(await ensureEtcd())) return 0;
  const settings = { subject: args.subject, subjectMembers: args.members };
  console.log(`differential: seed ${args.seed}, ${args.operations} operations`);
  const startedAt = performance.now();
  const result = await runDifferential({
    ...settings,
    seed: args.seed,
    operations: args.operations,
    restartEvery: args.restartEvery,
    differencesMax: args.differencesMax,
    onProgress: (done) => showProgress(done, args.operations),
    onDifference: (found) => printDifference(args.seed, found),
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`  on watch streams: ${result.tally}`);
  const failed = result.differences.length;
  // What a restart has a part in does not come back without it.
  if (failed > 0 && args.shrinks && args.restartEvery === 0) await printShortest(result, settings);
  console.log(
    `differential: seed ${args.seed}, ${(result.asked / seconds).toFixed(0)} operations/s, ` +
      `${result.asked - failed} passed, ${failed} failed`,
  );
  return failed === 0 ? 0 : 1;
}

async function printShortest(
  result: RunResult,
  settings: Parameters<typeof shrink>[1],
): Promise<void> {
  const first = result.differences[0] as Difference;
  console.log(`shrinking the way to operation ${first.index} ...`);
  const shortest = await shrink(result.operations.slice(0, first.index + 1), settings);
  console.log(
    `${shortest.length} operations show it${shortest.length > 40 ? ', the last 40' : ''}:`,
  );
  for (const operation of shortest.slice(-40)) console.log(`  ${describeOperation(operation)}`);
}

/** Undefined: the arguments are wrong, and that was said. */
function parseOrExplain(argv: readonly string[]): Arguments | undefined {
  try {
    return parse(argv);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return undefined;
  }
}

async function start(argv: readonly string[]): Promise<number> {
  if (hasToldUsage(usage, argv)) return 0;
  const args = parseOrExplain(argv);
  return args === undefined ? 2 : main(args);
}

process.exitCode = await start(process.argv.slice(2));
