import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { EngineName } from '../../src/grpc/engines.ts';
import { engineNamed, engineUnderTest } from '../grpc/engine-under-test.ts';
import { ensureGoPrograms, goProgramPath } from '../interop/toolchain.ts';
import { Report } from '../interop/report.ts';
import { Cluster } from '../members/harness.ts';
import { guarded } from '../members/member.ts';
import { programNamed, type Program } from '../members/programs.ts';
import { inapplicable, parseReport, type Case } from './cases.ts';
import { hasToldUsage } from '../usage.ts';

/**
 * Runs h2spec, the conformance test of HTTP/2, against the client port of one whole member.
 *
 *   npm run h2spec -- [--grpc-engine fast|grpc-js] [--program quorate|etcd]
 *
 * What cannot apply to a gRPC server is listed in cases.ts. Everything else has to pass; a listed case that passes
 * is a failure too, for the list is then wrong. The other engine, and etcd, are there to compare with.
 */

const usage = `usage: npm run h2spec -- [--grpc-engine fast|grpc-js] [--program quorate|etcd]`;

/** One case opens more streams than are allowed, which would take for ever at etcd's default of 2^32 - 1. */
const flags = ['--max-concurrent-streams=100'];
/** So long h2spec waits for each answer; on a busy machine its own two seconds may not be enough. */
const answerTimeoutSeconds = 5;
const runTimeoutMs = 300_000;

interface Arguments {
  readonly programName: string;
  readonly engine: EngineName;
  readonly program: Program;
}

function parse(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      program: { type: 'string', default: 'quorate' },
      'grpc-engine': { type: 'string', default: engineUnderTest },
    },
  });
  const engine = engineNamed(values['grpc-engine']);
  return { programName: values.program, engine, program: programNamed(values.program, engine) };
}

async function main({ programName, engine, program }: Arguments): Promise<number> {
  const needed = programName === 'etcd' ? (['h2spec', 'etcd'] as const) : (['h2spec'] as const);
  if (!(await ensureGoPrograms(needed))) return 0;
  const subject = await Cluster.start({ program, members: 1, flags });
  const report = new Report();
  try {
    report.heading(`h2spec --strict against ${program.label} (${engine})`);
    const [member] = subject.members;
    const port = member?.settings.clientPort ?? 0;
    for (const each of await runH2spec(port, subject.folder)) judge(each, report);
  } finally {
    await subject.destroy();
  }
  console.log(`\n${report.summary()}`);
  return report.failed === 0 ? 0 : 1;
}

async function runH2spec(port: number, folder: string): Promise<readonly Case[]> {
  const file = join(folder, 'h2spec.xml');
  const options = ['--strict', '--timeout', String(answerTimeoutSeconds), '--junit-report', file];
  const args = ['--host', '127.0.0.1', '--port', String(port), ...options];
  const child = guarded(spawn(goProgramPath('h2spec'), args, { stdio: 'ignore' }));
  const timer = setTimeout(() => child.kill('SIGKILL'), runTimeoutMs);
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  return parseReport(readFileSync(file, 'utf8'));
}

function judge({ name, outcome, details }: Case, report: Report): void {
  const reason = inapplicable.get(name);
  if (reason === undefined) return report.note(name, outcome === 'passed' ? undefined : details);
  const isListedRightly = outcome !== 'passed';
  if (isListedRightly) console.log(`  listed ${name}\n         ${reason}`);
  else report.note(name, 'it passes, and is listed as one that cannot apply');
}

/** Exit code 0 when all passed, 1 when something did not, 2 for a wrong argument. */
async function start(argv: readonly string[]): Promise<number> {
  if (hasToldUsage(usage, argv)) return 0;
  let args: Arguments;
  try {
    args = parse(argv);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return 2;
  }
  return main(args);
}

try {
  process.exitCode = await start(process.argv.slice(2));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
