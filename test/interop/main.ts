import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { engineNamed, engineUnderTest } from '../grpc/engine-under-test.ts';
import { mustSucceed } from '../members/client.ts';
import { Cluster } from '../members/harness.ts';
import { etcd, programNamed, repositoryRoot } from '../members/programs.ts';
import { runEtcdctlSuite } from './etcdctl/suite.ts';
import { runHttpSuite } from './http.ts';
import { runLineSuite } from './line-suite.ts';
import { Report } from './report.ts';
import { hasToldUsage } from '../usage.ts';
import { runTogether, type RunnableSuite } from './together.ts';
import {
  buildInBackground,
  ensureGoPrograms,
  ensureJavaProgram,
  ensurePython,
  ensureRustProgram,
  goProgramPath,
} from './toolchain.ts';

/**
 * Real clients against a cluster of ours: etcdctl, plain HTTP, and programs on the clients that people use
 * from Go, Python, Java and Rust.
 *
 *   npm run interop -- [--program quorate|etcd] [--grpc-engine fast|grpc-js] [--only NAME,NAME...] [--grep TEXT]
 *   npm run interop -- --together [--seconds 90]
 *
 * --together: the programs in Go, Python, Java and Rust all at the same time, round after round.
 * --only: of etcdctl, http, clientv3, python, java, rust. --grep runs only those scenarios of etcdctl whose name
 * holds the text. What the last three need is built while the first run.
 */

const usage = `usage: npm run interop -- [--program quorate|etcd] [--grpc-engine fast|grpc-js]
                      [--only NAME,NAME...] [--grep TEXT]
       npm run interop -- --together [--seconds 90]
  --together  the programs in Go, Python, Java and Rust all at the same time, round after round
  --only      of etcdctl, http, clientv3, python, java, rust
  --grep      only those scenarios of etcdctl whose name holds the text`;

const suites = ['etcdctl', 'http', 'clientv3', 'python', 'java', 'rust'] as const;
type SuiteName = (typeof suites)[number];
const members = 3;
const storageVersionTimeoutMs = 30_000;
/** So that a test sees progress notifications, which come every ten minutes otherwise. */
const flags = ['--watch-progress-notify-interval=500ms'];

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      program: { type: 'string', default: 'quorate' },
      'grpc-engine': { type: 'string', default: engineUnderTest },
      only: { type: 'string', default: suites.join(',') },
      grep: { type: 'string' },
      together: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '90' },
    },
  });
  const chosen = values.only.split(',').map(suiteNamed);
  const hasGo = await ensureGoPrograms(['etcd', 'etcdctl', 'clientv3']);
  buildInBackground();
  const built = buildInTurn(chosen);
  const report = new Report(values.together);
  const program = programNamed(values.program, engineNamed(values['grpc-engine']));
  const suitesToRun: Chosen = { hasGo, chosen, built };
  // What is built while all of them run would slow them down.
  if (values.together) await Promise.all(built.map(({ command }) => command));
  const subject = await Cluster.start({ program, members, flags });
  try {
    if (values.together) await allAtOnce(suitesToRun, subject, report, Number(values.seconds));
    else await oneAfterTheOther(suitesToRun, subject, report, values.grep);
  } finally {
    await subject.destroy();
  }
  console.log(`\n${report.summary()}`);
  return report.failed === 0 ? 0 : 1;
}

interface Chosen {
  readonly hasGo: boolean;
  readonly chosen: readonly SuiteName[];
  readonly built: readonly BuiltSuite[];
}

async function oneAfterTheOther(
  { hasGo, chosen, built }: Chosen,
  subject: Cluster,
  report: Report,
  grep: string | undefined,
): Promise<void> {
  if (hasGo && chosen.some((name) => name === 'etcdctl' || name === 'http')) {
    await comparedSuites(chosen, subject, report, grep);
  }
  if (hasGo && chosen.includes('clientv3')) await clientv3Suite(subject, report);
  for (const { name, title, command } of built) {
    report.heading(title);
    await builtSuite(name, await command, subject, report);
  }
}

async function allAtOnce(
  { hasGo, chosen, built }: Chosen,
  subject: Cluster,
  report: Report,
  seconds: number,
): Promise<void> {
  const runnable: RunnableSuite[] = [];
  if (hasGo && chosen.includes('clientv3')) {
    runnable.push({ name: 'clientv3', command: clientv3Command(subject) });
  }
  for (const { name, command } of built) {
    const known = await command;
    if (known instanceof Error) report.note(`${name}: it builds`, known.message);
    else if (known !== undefined) {
      runnable.push({ name, command: [...known, ...addressesFor(name, subject)] });
    }
  }
  const names = runnable.map(({ name }) => name).join(', ');
  report.heading(`at the same time: ${names}, for ${seconds} s`);
  await runTogether(runnable, subject, report, seconds);
}

function suiteNamed(name: string): SuiteName {
  const found = suites.find((suite) => suite === name);
  if (found === undefined) throw new Error(`no suite ${name}: there are ${suites.join(', ')}`);
  return found;
}

/** The suites that hold our answers against those of a real cluster of as many members. */
async function comparedSuites(
  chosen: readonly SuiteName[],
  subject: Cluster,
  report: Report,
  grep: string | undefined,
): Promise<void> {
  const reference = await Cluster.start({ program: etcd, members, flags });
  try {
    await storageVersionIsRaised(reference);
    await storageVersionIsRaised(subject);
    if (chosen.includes('etcdctl')) {
      report.heading('etcdctl 3.7.3, every output compared with a real cluster of etcd 3.7.3');
      await runEtcdctlSuite(subject, reference, report, grep);
    }
    if (chosen.includes('http')) {
      report.heading('HTTP/1.1 on the client port, compared with a real cluster of etcd 3.7.3');
      await runHttpSuite(subject, reference, report);
    }
  } finally {
    await reference.destroy();
  }
}

/** An etcd that has just begun says storage version 3.5 until its monitor has raised it, seconds later. */
async function storageVersionIsRaised(cluster: Cluster): Promise<void> {
  const deadline = performance.now() + storageVersionTimeoutMs;
  for (const member of cluster.members) {
    for (;;) {
      const status = mustSucceed(await cluster.client(member).call('Maintenance.Status', {}));
      if (status['storageVersion'] === '3.7.0') break;
      if (performance.now() > deadline)
        throw new Error(`${member.name} keeps an old storage version`);
      await sleep(100);
    }
  }
}

async function clientv3Suite(subject: Cluster, report: Report): Promise<void> {
  report.heading('go.etcd.io/etcd/client/v3 3.7.3');
  const requests = {
    'kill-leader': async (): Promise<void> => (await subject.leader()).kill(),
    'keep-only-first': async (): Promise<void> => {
      await Promise.all(subject.members.slice(1).map((member) => member.kill()));
    },
    restart: async (): Promise<void> => {
      await subject.startAll();
      await subject.leader();
    },
  };
  await runLineSuite(clientv3Command(subject), 'clientv3', report, { requests });
}

const clientv3Command = (subject: Cluster): readonly string[] => [
  goProgramPath('clientv3'),
  subject.clientUrls.join(','),
];

interface BuiltSuite {
  readonly name: SuiteName;
  readonly title: string;
  /** Undefined: its toolchain is not there. An error: its build failed. */
  readonly command: Promise<readonly string[] | undefined | Error>;
}

/** Begins to build what the chosen suites need, one after the other, in the order in which they run. */
function buildInTurn(chosen: readonly SuiteName[]): readonly BuiltSuite[] {
  const all = [
    { name: 'python', title: 'etcd3 0.12 from PyPI', build: pythonCommand },
    {
      name: 'java',
      title: 'io.etcd:jetcd-core 0.8.5 from Maven Central',
      build: ensureJavaProgram,
    },
    { name: 'rust', title: 'etcd-client 0.21.1 from crates.io', build: rustCommand },
  ] as const;
  let before: Promise<unknown> = Promise.resolve();
  return all
    .filter(({ name }) => chosen.includes(name))
    .map(({ name, title, build }) => {
      const command = before.then(build).catch((error: unknown) => error as Error);
      before = command;
      return { name, title, command };
    });
}

async function pythonCommand(): Promise<readonly string[] | undefined> {
  const python = await ensurePython();
  const script = join(repositoryRoot, 'test/interop/python/suite.py');
  return python === undefined ? undefined : [python, script];
}

async function rustCommand(): Promise<readonly string[] | undefined> {
  const program = await ensureRustProgram();
  return program === undefined ? undefined : [program];
}

/** Runs a program that takes the members' addresses; a build that failed is a check that failed. */
async function builtSuite(
  name: SuiteName,
  command: readonly string[] | undefined | Error,
  subject: Cluster,
  report: Report,
): Promise<void> {
  if (command instanceof Error) report.note(`${name}: it builds`, command.message);
  else if (command !== undefined) {
    await runLineSuite([...command, ...addressesFor(name, subject)], name, report);
  }
}

function addressesFor(name: SuiteName, subject: Cluster): readonly string[] {
  return name === 'python' ? subject.members.map(({ target }) => target) : subject.clientUrls;
}

try {
  const argv = process.argv.slice(2);
  if (!hasToldUsage(usage, argv)) process.exitCode = await main(argv);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
