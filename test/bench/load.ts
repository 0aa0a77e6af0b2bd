import { execFile, spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { guarded } from '../members/member.ts';
import { repositoryRoot } from '../members/programs.ts';

/** The load generator in test/bench/load: how it is built, started and what it answers. */

export type LoadWork =
  | 'put'
  | 'range'
  | 'range-serializable'
  | 'txn-update'
  | 'range-page'
  | 'paging'
  | 'count'
  | 'range-all'
  | 'watch'
  | 'watch-idle'
  | 'lease-keepalive'
  | 'fill'
  | 'outage';

/** What is not given is as the program's flags have it: see test/bench/load/options.go. */
export interface LoadOptions {
  readonly work: LoadWork;
  /** host:port each; connections are spread over them round robin. */
  readonly endpoints: readonly string[];
  readonly connections?: number;
  /** Of each connection: as many requests are under way on it at once. */
  readonly streams?: number;
  readonly warmupMs?: number;
  readonly durationMs?: number;
  /** Keys that there are, or that `fill` writes. */
  readonly keys?: number;
  readonly keyPrefix?: string;
  readonly valueBytes?: number;
  /** Keys a page: range-page and paging. */
  readonly limit?: number;
  /** Puts a transaction: fill. */
  readonly batch?: number;
  readonly seed?: number;
  /** Puts a second, sent when they are due and measured from then; otherwise each worker waits for its answer. */
  readonly rate?: number;
  readonly watchers?: number;
  /** watch-idle: connections that put meanwhile; 0 only holds the watchers. */
  readonly putConnections?: number;
  readonly putStreams?: number;
  /** One Put each that many milliseconds on a connection of its own, beside the work. */
  readonly concurrentPutMs?: number;
  /** outage: how long a write is waited for; then its outcome is unknown and another one follows. */
  readonly writeTimeoutMs?: number;
}

export interface LatencyMs {
  /** Answers measured. */
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface LoadResult {
  readonly work: LoadWork;
  readonly connections: number;
  readonly streams: number;
  /** Measured, the warm-up excluded. */
  readonly seconds: number;
  /** Answers without an error; events for `watch`, keys for `fill`. */
  readonly operations: number;
  readonly perSecond: number;
  readonly latencyMs: LatencyMs;
  /** From the first request on, the warm-up included. */
  readonly errors: number;
  readonly firstErrors: readonly string[];
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** User and system time of the generator itself. */
  readonly cpuSeconds: number;
  readonly cpuMicrosPerOperation: number;
  /** Operations of each `timelineStepMs` of the measured time. */
  readonly timeline: readonly number[];
  readonly timelineStepMs: number;
  /** txn-update: transactions that found another revision; they count as operations too. */
  readonly conflicts?: number;
  /** put with a rate: puts that were due and not sent before the end; their waiting is in latencyMs. */
  readonly neverSent?: number;
  /** range-page, paging, range-all: in the measured time. */
  readonly keysReturned?: number;
  /** paging: times that all keys were walked through with none missing and none twice, the warm-up included. */
  readonly completeWalks?: number;
  /** watch, watch-idle. */
  readonly watchers?: number;
  /** watch, watch-idle: until all watchers were confirmed. */
  readonly watchersReadyMs?: number;
  /** watch: by the writer, in the measured time. */
  readonly puts?: number;
  readonly putsPerSecond?: number;
  readonly putLatencyMs?: LatencyMs;
  /** watch: over the whole run: puts times watchers, and how many never came. */
  readonly eventsExpected?: number;
  readonly eventsMissing?: number;
  /** Where concurrentPutMs was given. */
  readonly concurrentPut?: LatencyMs;
  /** outage: the longest time between two successes next to each other, and when it began. */
  readonly longestGapMs?: number;
  readonly longestGapAtMs?: number;
  /** outage: writes that were cut off or ran out of time, so that nobody knows what became of them. */
  readonly unknownWrites?: number;
  readonly reconnects?: number;
}

export interface LoadRun {
  /** The work has begun: connections stand, watchers are confirmed; the warm-up starts. */
  readonly ready: Promise<void>;
  /** Rejects when the load could not be carried out: no connection, a connection lost, a wrong answer. */
  readonly result: Promise<LoadResult>;
  /** Ends it early, with the result so far. */
  stop(): void;
}

const sourceFolder = join(repositoryRoot, 'test/bench/load');
const program = join(repositoryRoot, 'test/bench/bin/load');

/** Builds the program if need be. @throws with what to do where there is no Go toolchain. */
export async function ensureLoadProgram(): Promise<void> {
  const builtMs = statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(sourceFolder).map((file) => join(sourceFolder, file));
  if (sources.every((file) => statSync(file).mtimeMs < builtMs)) return;
  const run = promisify(execFile);
  await run('go', ['version']).catch((error: unknown) => {
    const what =
      'the load generator is written in Go: install Go 1.26 or newer (https://go.dev/dl)';
    throw new Error(what, { cause: error });
  });
  await run('go', ['build', '-o', program, '.'], { cwd: sourceFolder });
}

/** Runs a load to its end; `onProgress` gets a line a second. */
export function runLoad(
  options: LoadOptions,
  onProgress?: (line: string) => void,
): Promise<LoadResult> {
  return startLoad(options, onProgress).result;
}

/** Starts a load; the program must have been built. */
export function startLoad(options: LoadOptions, onProgress?: (line: string) => void): LoadRun {
  const child = guarded(
    spawn(program, [...loadArguments(options), '-progress'], { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  let answer = '';
  let lastLine = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (answer += text));
  let isReady = (): void => undefined;
  let isNotReady = (_: Error): void => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    isReady = resolve;
    isNotReady = reject;
  });
  // Who waits for the result alone is told of a failure there.
  ready.catch(() => undefined);
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.startsWith('ready')) isReady();
    lastLine = line;
    onProgress?.(line);
  });
  const result = new Promise<LoadResult>((resolve, reject) => {
    const fail = (error: Error): void => {
      isNotReady(error);
      reject(error);
    };
    child.once('error', fail);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(answer) as LoadResult);
      else fail(new Error(`load ${options.work} ended with ${code ?? signal}: ${lastLine}`));
    });
  });
  return { ready, result, stop: () => void child.kill('SIGINT') };
}

/** The options as flags of the program; -endpoints and -work first. */
export function loadArguments(options: LoadOptions): readonly string[] {
  const flags: Readonly<Record<string, string | number | undefined>> = {
    endpoints: options.endpoints.join(','),
    work: options.work,
    connections: options.connections,
    streams: options.streams,
    warmup: milliseconds(options.warmupMs),
    duration: milliseconds(options.durationMs),
    keys: options.keys,
    'key-prefix': options.keyPrefix,
    'value-bytes': options.valueBytes,
    limit: options.limit,
    batch: options.batch,
    seed: options.seed,
    rate: options.rate,
    watchers: options.watchers,
    'put-connections': options.putConnections,
    'put-streams': options.putStreams,
    'concurrent-put': milliseconds(options.concurrentPutMs),
    'write-timeout': milliseconds(options.writeTimeoutMs),
  };
  return Object.entries(flags).flatMap(([flag, value]) =>
    value === undefined ? [] : [`-${flag}`, String(value)],
  );
}

const milliseconds = (value: number | undefined): string | undefined =>
  value === undefined ? undefined : `${value}ms`;
