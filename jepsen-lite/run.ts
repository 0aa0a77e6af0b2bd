import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../src/base/random.ts';
import { alarmsIn, finalHashes, recovered } from './aftermath.ts';
import { outcomeOf } from './client/outcome.ts';
import { TestCluster } from './db/cluster.ts';
import { restoreMembers } from './db/membership.ts';
import type { Db } from './db/types.ts';
import type { Ending } from './ending.ts';
import { HistoryFile, type StoredRun } from './history-file.ts';
import { runSchedule, pause } from './nemesis/schedule.ts';
import type { Nemesis } from './nemesis/types.ts';
import { Preloads } from './preload/preloads.ts';
import { RunRecorder } from './recorder.ts';
import type { SecondTry, Workload, WorkloadContext } from './types.ts';

export interface TestSettings {
  readonly workload: Workload;
  readonly nemesis: Nemesis;
  readonly db: Db;
  readonly members: number;
  readonly seconds: number;
  readonly seed: number;
  /** Where the report goes; it is made. */
  readonly folder: string;
  readonly portBase: number | undefined;
  /** Data dirs stay in the report although all went well. */
  readonly keepsData: boolean;
  /** Undefined: the first try. */
  readonly secondTry: SecondTry | undefined;
}

/** How far a test is. */
export interface Stage {
  readonly what: string;
  readonly operations: number;
  /** What the nemesis has under way. */
  readonly faults: readonly string[];
}

/** A test's choices come from one seed, its parts' from streams of their own. */
const nemesisStream = 0x6e656d;
const proxyStream = 0x70726f;

/** What a workload gets to end after its time is over, and to read the final state. */
const endTimeoutMs = 30_000;
const finishTimeoutMs = 60_000;
/** The same where a member has not come back: there may be no final state to read. */
const finishAbsentMs = 20_000;
/** Then a member that was told to stop is killed. */
const stopTimeoutMs = 60_000;

/** A fault of the harness, apart from any verdict. */
export class HarnessError extends Error {
  override readonly name = 'HarnessError';
}

/**
 * start, workload and nemesis side by side, heal, finish. Leaves history and logs in the folder; judges nothing.
 * @throws whatever goes wrong with the harness itself.
 */
export async function runTest(
  settings: TestSettings,
  onStage: (stage: Stage) => void,
): Promise<StoredRun> {
  mkdirSync(join(settings.folder, 'logs'), { recursive: true });
  const file = new HistoryFile(join(settings.folder, 'history.ndjson'));
  const { workload, nemesis, seed, db } = settings;
  const { secondTry } = settings;
  const header = {
    workload: workload.name,
    nemesis: nemesis.name,
    seed,
    target: db.target,
    seconds: settings.seconds,
    startedAt: new Date().toISOString(),
    ...(secondTry === undefined ? {} : { secondTry }),
  };
  const recorder = new RunRecorder({ header, file, outcomeOf });
  const tell = (what: string, faults: readonly string[] = []): void =>
    onStage({ what, operations: recorder.operations, faults });
  tell('starting members');
  const preloads = new Preloads(join(settings.folder, 'preload'), nemesis.needs ?? []);
  const cluster = await startCluster(settings, recorder, preloads);
  try {
    await sideBySide(settings, { cluster, preloads, recorder, tell });
    const ending = await endOf(settings, { cluster, preloads, recorder, tell });
    const history = recorder.close();
    file.ending(ending);
    return { history, ending };
  } finally {
    recorder.close();
    file.close();
    await cluster.destroy();
  }
}

function startCluster(
  settings: TestSettings,
  recorder: RunRecorder,
  preloads: Preloads,
): Promise<TestCluster> {
  const { db, members, folder, seed, portBase } = settings;
  return TestCluster.start({
    db,
    members,
    spares: 1,
    folder,
    dataFolder: join(folder, 'data'),
    random: seededRandom(seed ^ proxyStream),
    portBase,
    nowUs: () => recorder.nowUs,
    preloads,
    diskRules: settings.nemesis.diskRules ?? [],
  });
}

interface Parts {
  readonly cluster: TestCluster;
  readonly preloads: Preloads;
  readonly recorder: RunRecorder;
  readonly tell: (what: string, faults?: readonly string[]) => void;
}

async function sideBySide(settings: TestSettings, parts: Parts): Promise<void> {
  const { workload, nemesis, seed, seconds } = settings;
  const { cluster, preloads, recorder, tell } = parts;
  const ended = new AbortController();
  const underway = { faults: [] as readonly string[] };
  const show = setInterval(() => tell('running', underway.faults), 500);
  const clients = workload.run(contextOf(settings, parts, ended.signal));
  const faults = runSchedule(nemesis, {
    world: { cluster, preloads, random: seededRandom(seed ^ nemesisStream) },
    nowUs: () => recorder.nowUs,
    onEvent: (event) => recorder.event(event),
    onChange: (names) => (underway.faults = names),
    serviceBack: () => (cluster.isWhole ? recovered(cluster, { signal: ended.signal }) : undefined),
    signal: ended.signal,
  });
  try {
    // Neither returns before the time is over, unless it fails.
    await Promise.race([pause(seconds * 1_000, ended.signal), endedEarly(clients), faults]);
  } finally {
    ended.abort();
    clearInterval(show);
  }
  tell('ending faults and clients');
  await Promise.all([faults, within(clients, endTimeoutMs, `${workload.name} did not end`)]);
}

async function endedEarly(clients: Promise<void>): Promise<never> {
  await clients;
  throw new HarnessError('the workload ended before its time');
}

async function endOf(settings: TestSettings, parts: Parts): Promise<Ending> {
  const { cluster, tell } = parts;
  const { workload } = settings;
  tell('healing');
  cluster.heal();
  const refusal = await restoreMembers(cluster);
  const recovery = await recovered(cluster, { refusal });
  tell('reading the final state');
  const isAbsent = recovery.absent.length > 0;
  const signal = AbortSignal.timeout(isAbsent ? finishAbsentMs : finishTimeoutMs);
  const finished = within(
    workload.finish(contextOf(settings, parts, signal)),
    isAbsent ? finishAbsentMs : finishTimeoutMs + endTimeoutMs,
    `${workload.name} did not finish`,
  );
  // Where no service came back there may be no final state, and that is the finding.
  await (isAbsent ? finished.catch(() => undefined) : finished);
  tell('comparing members');
  const hashes = isAbsent ? [] : await finalHashes(cluster);
  tell('stopping members');
  const startMs = performance.now();
  const stopped = await cluster.stopAll(stopTimeoutMs);
  const stoppedMs = Math.round(performance.now() - startMs);
  const exits = [...cluster.exits, ...stopped];
  return { ...recovery, hashes, exits, alarms: alarmsIn(cluster), stoppedMs };
}

function contextOf(settings: TestSettings, parts: Parts, signal: AbortSignal): WorkloadContext {
  const { cluster, recorder } = parts;
  return { endpoints: cluster.endpoints, seed: settings.seed, recorder, signal };
}

/** @throws HarnessError when it takes longer. */
async function within(work: Promise<void>, timeoutMs: number, what: string): Promise<void> {
  const done = new AbortController();
  const late = pause(timeoutMs, done.signal).then(() => {
    if (!done.signal.aborted) throw new HarnessError(`${what} within ${timeoutMs} ms`);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}

/** Data dirs are large; a run in which nothing was wrong needs none. */
export function removeData(settings: Pick<TestSettings, 'folder' | 'keepsData'>): void {
  if (settings.keepsData) return;
  for (const part of ['data', 'preload']) {
    rmSync(join(settings.folder, part), { recursive: true, force: true });
  }
}

export function writeHarnessError(folder: string, error: unknown): void {
  mkdirSync(folder, { recursive: true });
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  writeFileSync(join(folder, 'harness-error.txt'), `${text}\n`);
}
