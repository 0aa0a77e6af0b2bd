import { answerOf, requestOf, type Request } from '../client/requests.ts';
import type { Operation } from '../types.ts';
import type { ArchivedEvent } from './events.ts';
import { execute, type KeySpace } from './key-space.ts';
import type { Point } from './real-time.ts';
import { endOf } from './verdict.ts';

/**
 * The writes of which nobody was told what became of them: which of them is the author of a revision? Values are
 * unique, so that a put names its author; a delete is any one of its key that had begun by then.
 */

export type Author =
  | { readonly kind: 'author'; readonly operation: Operation; readonly request: Request }
  | { readonly kind: 'twice'; readonly operation: Operation }
  | { readonly kind: 'nobody' };

interface Candidate {
  readonly operation: Operation;
  readonly request: Request;
  isTaken: boolean;
}

export class UnresolvedWrites {
  private readonly byPut = new Map<string, Candidate>();
  /** Those in doubt first, then those that failed. */
  private readonly byDelete = new Map<string, Candidate[]>();
  /** The same of ranges. */
  private readonly byRange: Candidate[] = [];
  /** Ends of operations by their revision, descending, with the earliest end from there on. */
  private readonly latest: readonly { readonly revision: number; readonly endUs: number }[];

  constructor(operations: readonly Operation[], points: readonly Point[]) {
    for (const operation of operations) {
      const request = requestOf(operation);
      if (request === undefined) continue;
      const candidate = { operation, request, isTaken: false };
      const isAnswered = answerOf(operation) !== undefined;
      for (const action of [...request.success, ...(request.failure ?? [])]) {
        if (action.op === 'put') this.byPut.set(idOf(action.key, action.value), candidate);
        if (action.op !== 'delete' || isAnswered) continue;
        if (action.end !== undefined) {
          if (operation.outcome === 'fail') this.byRange.push(candidate);
          else this.byRange.unshift(candidate);
          continue;
        }
        const others = this.byDelete.get(action.key) ?? [];
        if (operation.outcome === 'fail') others.push(candidate);
        else others.unshift(candidate);
        this.byDelete.set(action.key, others);
      }
    }
    const sorted = [...points].sort((a, b) => b.revision - a.revision);
    let earliest = Infinity;
    this.latest = sorted.map(({ revision, operation }) => {
      earliest = Math.min(earliest, endOf(operation));
      return { revision, endUs: earliest };
    });
  }

  /** These events have an author who was told so. */
  explained(events: readonly ArchivedEvent[]): void {
    for (const event of events) {
      if (event.type !== 'put') continue;
      const candidate = this.byPut.get(idOf(event.key, event.value));
      if (candidate !== undefined) candidate.isTaken = true;
    }
  }

  /** Who wrote these events of one revision, behind the state `space`. */
  take(events: readonly ArchivedEvent[], space: KeySpace): Author {
    const put = events.find((event) => event.type === 'put');
    if (put !== undefined) {
      const candidate = this.byPut.get(idOf(put.key, put.value));
      if (candidate === undefined) return { kind: 'nobody' };
      const { operation, request } = candidate;
      if (candidate.isTaken) return { kind: 'twice', operation };
      candidate.isTaken = true;
      return { kind: 'author', operation, request };
    }
    const [first] = events;
    if (first === undefined) return { kind: 'nobody' };
    const byUs = this.mustBeginBy(first.mod);
    const deleted = keysOf(events);
    const candidate = [...(this.byDelete.get(first.key) ?? []), ...this.byRange].find(
      ({ isTaken, operation, request }) =>
        !isTaken && operation.startUs <= byUs && keysOf(execute(space, request).events) === deleted,
    );
    if (candidate === undefined) return { kind: 'nobody' };
    candidate.isTaken = true;
    return { kind: 'author', operation: candidate.operation, request: candidate.request };
  }

  /** Whoever had seen this revision, or one behind it, was over then. */
  private mustBeginBy(revision: number): number {
    let [low, high] = [0, this.latest.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.latest[middle]?.revision ?? 0) >= revision) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? Infinity : (this.latest[low - 1]?.endUs ?? Infinity);
  }
}

function keysOf(events: readonly ArchivedEvent[]): string {
  return events
    .map(({ key }) => key)
    .sort()
    .join('\0');
}

function idOf(key: string, value: string): string {
  return `${key}\0${value}`;
}
