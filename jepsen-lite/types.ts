/** The words of jepsen-lite, after Jepsen: a test is a workload and a nemesis; a history is judged by checkers. */

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/** ok: it happened. fail: it certainly did not. info: nobody knows, it may still happen. */
export type Outcome = 'ok' | 'fail' | 'info';

/** One operation of a client, from its invocation to its end. */
export interface Operation {
  /** Place in the history, by invocation; from 0. */
  readonly index: number;
  /** A client that has no two operations under way; one whose operation ended in info never comes again. */
  readonly process: number;
  /** Name of the member that was asked, `n1`. */
  readonly member: string;
  /** What was asked: `put`, `read`, `append`. */
  readonly f: string;
  readonly input: Json;
  /** Microseconds since the test began, of one monotonic clock. */
  readonly startUs: number;
  /** Undefined: it never ended. */
  readonly endUs: number | undefined;
  readonly outcome: Outcome;
  /** What the answer said; null without one. */
  readonly output: Json;
  /** The error's code and text. */
  readonly error?: string;
}

/** What a nemesis did, for the report. */
export interface NemesisEvent {
  readonly startUs: number;
  readonly endUs: number;
  readonly what: string;
  readonly members: readonly string[];
  /** What shows that it happened: `its clock was read 812 times`. */
  readonly proof?: string;
  /** A compaction was asked for up to this revision. */
  readonly compactRevision?: number;
  /** Why it came to nothing; undefined: it happened. */
  readonly nothing?: string;
  /** How the service came back when it was over, where that was looked at. */
  readonly service?: Recovery;
}

/** From the moment in which nothing was wrong with the world any more until every member served reads and writes. */
export interface Recovery {
  /** Undefined: never in time. */
  readonly recoveredMs: number | undefined;
  /** How much of it a member, or the harness itself, was ready to run and had no core: no fault of the store. */
  readonly waitedForCoreMs: number;
  /** How much of it a file of the harness's own took to be synced, beyond what a disk takes that is not busy. */
  readonly waitedForDiskMs?: number;
  /** Members that did not serve again, with what they answered last. */
  readonly absent: readonly { readonly member: string; readonly reason: string }[];
}

/** A test that is done once more because its first try failed by limits of time alone. */
export interface SecondTry {
  /** Every limit of time is so many times as long. */
  readonly patience: number;
  /** What was found the first time. */
  readonly because: string;
}

export interface History {
  readonly workload: string;
  readonly nemesis: string;
  readonly seed: number;
  readonly target: 'quorate' | 'etcd';
  readonly secondTry?: SecondTry;
  /** How long clients were at work. */
  readonly seconds?: number;
  /** The moment from which times are counted, as ISO 8601 in UTC. */
  readonly startedAt?: string;
  readonly operations: readonly Operation[];
  readonly events: readonly NemesisEvent[];
}

/** One thing that a checker found wrong, with the operations that show it. */
export interface Anomaly {
  /** `lost write`, `G1c`, `not linearizable`. */
  readonly name: string;
  /** A sentence for someone who does not know the code. */
  readonly what: string;
  /** Indexes into the history. */
  readonly operations: readonly number[];
  /** When it was seen and at which members, where no operation says so. */
  readonly atUs?: number;
  readonly members?: readonly string[];
  /** A limit of time was exceeded, which a slow machine can do by itself: the test is done once more. */
  readonly isSlowness?: true;
}

/** unknown: the checker gave up within its limits; it is shown and is not a pass. */
export interface Verdict {
  readonly checker: string;
  readonly result: 'valid' | 'invalid' | 'unknown';
  readonly anomalies: readonly Anomaly[];
  /** All that was found by its operations, where more was found than is told in `anomalies`. */
  readonly cases?: readonly Pick<Anomaly, 'name' | 'operations'>[];
  /** Counts that show that something was judged at all: operations by outcome, reads, events. */
  readonly counts: Readonly<Record<string, number>>;
  /** A sentence beside the counts, as why nothing could be judged. */
  readonly note?: string;
}

/** Pure: a stored history can be judged again. */
export interface Checker {
  readonly name: string;
  check(history: History): Verdict;
}

/** Where the members are. Clients never retry by themselves and stay with the member that they were given. */
export interface Endpoint {
  readonly member: string;
  readonly url: string;
}

/** How a client tells what it does; the runner keeps time and writes the history. */
export interface Recorder {
  /** Asks `run`; what it throws is judged by `outcomeOf` and recorded, never rethrown. */
  record(
    invocation: Pick<Operation, 'process' | 'member' | 'f' | 'input'>,
    run: () => Promise<Json>,
  ): Promise<Operation>;
  /** What clients heard without asking, a watch's events: an operation that ends when it begins. */
  note(operation: Pick<Operation, 'process' | 'member' | 'f' | 'input' | 'output'>): void;
}

export interface WorkloadContext {
  readonly endpoints: readonly Endpoint[];
  readonly seed: number;
  readonly recorder: Recorder;
  /** Aborted when the time is over; clients then end what they have under way and return. */
  readonly signal: AbortSignal;
}

/** client + generator + checkers, as in Jepsen. */
export interface Workload {
  readonly name: string;
  readonly checkers: readonly Checker[];
  /** Runs until the signal is aborted. */
  run(context: WorkloadContext): Promise<void>;
  /** After the world has healed: what the checkers need of the final state is recorded. */
  finish(context: WorkloadContext): Promise<void>;
}
