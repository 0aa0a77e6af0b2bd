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
}

export interface History {
  readonly workload: string;
  readonly nemesis: string;
  readonly seed: number;
  readonly target: 'quorate' | 'etcd';
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
}

/** unknown: the checker gave up within its limits; it is shown and is not a pass. */
export interface Verdict {
  readonly checker: string;
  readonly result: 'valid' | 'invalid' | 'unknown';
  readonly anomalies: readonly Anomaly[];
  /** Counts that show that something was judged at all: operations by outcome, reads, events. */
  readonly counts: Readonly<Record<string, number>>;
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
