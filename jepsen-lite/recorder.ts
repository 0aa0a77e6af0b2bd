import type { Header, HistoryFile } from './history-file.ts';
import type { History, Json, NemesisEvent, Operation, Outcome, Recorder } from './types.ts';

export interface RecorderOptions {
  readonly header: Header;
  readonly file: HistoryFile;
  /** What an error says of its operation. @throws what is a fault of the harness. */
  readonly outcomeOf: (error: unknown) => Exclude<Outcome, 'ok'>;
}

type Invocation = Pick<Operation, 'process' | 'member' | 'f' | 'input'>;

/** How many operations a run keeps in memory at most. */
const operationsMax = 5_000_000;

/** Keeps the time of one test, and its history: in memory, and in a file as it happens. */
export class RunRecorder implements Recorder {
  readonly #options: RecorderOptions;
  readonly #startedNs = process.hrtime.bigint();
  /** By index; undefined while it is under way. */
  readonly #operations: (Operation | undefined)[] = [];
  readonly #underWay = new Map<number, Operation>();
  readonly #events: NemesisEvent[] = [];
  #isClosed = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    options.file.header(options.header);
  }

  get nowUs(): number {
    return Number((process.hrtime.bigint() - this.#startedNs) / 1_000n);
  }

  get operations(): number {
    return this.#operations.length;
  }

  async record(invocation: Invocation, run: () => Promise<Json>): Promise<Operation> {
    const begun = this.#begin(invocation);
    this.#underWay.set(begun.index, begun);
    try {
      const output = await run();
      return this.#end({ ...begun, endUs: this.nowUs, outcome: 'ok', output });
    } catch (error) {
      const endUs = this.nowUs;
      const text = error instanceof Error ? error.message : String(error);
      // A fault of the harness is thrown on; what it did to the store nobody knows.
      let outcome: Outcome = 'info';
      try {
        outcome = this.#options.outcomeOf(error);
      } finally {
        this.#end({ ...begun, endUs, outcome, error: text });
      }
      return { ...begun, endUs, outcome, error: text };
    }
  }

  note(operation: Invocation & Pick<Operation, 'output'>): void {
    const begun = this.#begin(operation);
    this.#end({ ...begun, endUs: begun.startUs, outcome: 'ok', output: operation.output });
  }

  event(event: NemesisEvent): void {
    if (this.#isClosed) return;
    this.#events.push(event);
    this.#options.file.event(event);
  }

  #begin({ process: client, member, f, input }: Invocation): Operation {
    const index = this.#operations.length;
    if (index >= operationsMax)
      throw new Error(`more than ${operationsMax} operations in one test`);
    this.#operations.push(undefined);
    const startUs = this.nowUs;
    const nothing = { endUs: undefined, outcome: 'info', output: null } as const;
    return { index, process: client, member, f, input, startUs, ...nothing };
  }

  #end(operation: Operation): Operation {
    this.#underWay.delete(operation.index);
    // What ends after the history was closed has never ended as far as anybody is told.
    if (this.#isClosed) return operation;
    this.#operations[operation.index] = operation;
    this.#options.file.operation(operation);
    return operation;
  }

  /** The history as it stands; what is under way never ended. Nothing is written after that. */
  close(): History {
    for (const [index, operation] of this.#underWay) {
      this.#operations[index] = operation;
      this.#options.file.operation(operation);
    }
    this.#isClosed = true;
    const operations = this.#operations.filter((operation) => operation !== undefined);
    return { ...this.#options.header, operations, events: this.#events };
  }
}
