import type { Action, Answer, Kv, Request, Result } from '../client/requests.ts';
import type { History, Json, Operation, Outcome } from '../types.ts';
import type { ArchivedEvent } from './events.ts';
import { execute, KeySpace } from './key-space.ts';

/**
 * Histories for the tests of checkers: a store that is right does what it is asked, and what is told of it can be
 * changed afterwards into a lie.
 */

export interface Moment {
  readonly process?: number;
  readonly startUs?: number;
  readonly endUs?: number;
  readonly outcome?: Outcome;
  readonly error?: string;
}

export class HistoryBuilder {
  readonly operations: Operation[] = [];
  readonly events: ArchivedEvent[] = [];
  private readonly space = new KeySpace();
  private nowUs = 0;

  get revision(): number {
    return this.space.revision;
  }

  /** An operation of any kind, at once and behind the last one unless `moment` says otherwise. */
  add(f: string, input: Json, output: Json, moment: Moment = {}): Operation {
    const { process = 0, startUs = this.nowUs + 1, outcome = 'ok', error } = moment;
    const endUs = moment.endUs ?? startUs + 1;
    this.nowUs = Math.max(this.nowUs, endUs);
    const operation: Operation = {
      index: this.operations.length,
      process,
      member: 'n1',
      f,
      input,
      startUs,
      endUs,
      outcome,
      output,
      ...(error === undefined ? {} : { error }),
    };
    this.operations.push(operation);
    return operation;
  }

  /** Asks the store. With an outcome other than ok the request is done all the same, if it is in doubt. */
  ask(request: Request, moment: Moment = {}): Operation {
    const answer = moment.outcome === 'fail' ? undefined : this.execute(request);
    const output = moment.outcome === undefined || moment.outcome === 'ok' ? answer : undefined;
    return this.add('kv', request, output ?? null, moment);
  }

  /** An operation that was never answered and never done. */
  lose(request: Request, moment: Moment = {}): Operation {
    return this.add('kv', request, null, { outcome: 'info', ...moment });
  }

  /** What the store answers, and what it becomes. */
  execute(request: Request): Answer {
    const { succeeded, results, events } = execute(this.space, request);
    if (events.length > 0) {
      this.space.apply(this.space.revision + 1, events);
      this.events.push(...events);
    }
    return { revision: this.space.revision, succeeded, results };
  }

  get(key: string, moment: Moment = {}): Operation {
    return this.ask({ success: [{ op: 'get', key }] }, moment);
  }

  put(key: string, value: string, moment: Moment = {}): Operation {
    return this.ask({ success: [{ op: 'put', key, value }] }, moment);
  }

  delete(key: string, moment: Moment = {}): Operation {
    return this.ask({ success: [{ op: 'delete', key }] }, moment);
  }

  txn(...success: readonly Action[]): Operation {
    return this.ask({ success });
  }

  /** Enough that was right for a verdict to rest on. */
  busy(): this {
    for (let i = 0; i < 12; i++) {
      this.put('busy', `busy ${i}`);
      this.get('busy');
    }
    return this;
  }

  /** With the archive of `members`, each of which may have been told something else. */
  history(...archives: readonly (readonly ArchivedEvent[])[]): History {
    const told = archives.length === 0 ? [this.events] : archives;
    const notes = told.map((events, i): Operation => {
      const member = `n${i + 1}`;
      const output = { events, gaps: [], toldRevision: this.revision };
      const builder = this.add('archive', { member }, output, { process: 1_000_000 + i });
      return { ...builder, member };
    });
    const operations = [...this.operations.slice(0, -notes.length), ...notes];
    return historyOf(operations);
  }
}

export function historyOf(operations: readonly Operation[], workload = 'test'): History {
  return { workload, nemesis: 'none', seed: 1, target: 'quorate', operations, events: [] };
}

/** The same history with one operation told differently. */
export function withOperation(
  history: History,
  index: number,
  change: (operation: Operation) => Operation,
): History {
  const operations = history.operations.map((operation) =>
    operation.index === index ? change(operation) : operation,
  );
  return { ...history, operations };
}

/** The answer of a get, with this value in place of what was read. */
export function withRead(operation: Operation, change: (kv: Kv) => Kv | undefined): Operation {
  const answer = operation.output as unknown as Answer;
  const results = answer.results.map((result): Result => {
    if (result.kvs === undefined) return result;
    return { ...result, kvs: result.kvs.flatMap((kv) => change(kv) ?? []) };
  });
  return { ...operation, output: { ...answer, results } };
}

export function withRevision(operation: Operation, revision: number): Operation {
  return { ...operation, output: { ...(operation.output as unknown as Answer), revision } };
}
