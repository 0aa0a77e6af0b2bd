import {
  answerOf,
  describeRequest,
  isMutation,
  requestOf,
  type Answer,
  type Request,
} from '../client/requests.ts';
import type { Checker, History, Operation, Verdict } from '../types.ts';
import { describeEvents, eventsOf, type ArchivedEvent, type Events } from './events.ts';
import { differenceOf, execute, isKnown, KeySpace } from './key-space.ts';
import { checkRealTime, type Point } from './real-time.ts';
import { UnresolvedWrites } from './unresolved.ts';
import { countOutcomes, describeOperation, Findings, verdictOf } from './verdict.ts';

/**
 * Replay by revision. The store itself orders all writes and says so in each answer: they are replayed in that
 * order, in linear time and over the whole key space. Each answer is held against the state at its revision, the
 * order against real time; and every revision must have an author, those in doubt included.
 */

export const replay: Checker = { name: 'replay', check };

/** A request that was answered. */
interface Answered {
  readonly operation: Operation;
  readonly request: Request;
  readonly answer: Answer;
}

function check(history: History): Verdict {
  const findings = new Findings();
  const events = eventsOf(history, findings);
  const requests = history.operations.filter((operation) => requestOf(operation) !== undefined);
  const run = new Replay(requests, events ?? noEvents, findings);
  if (events !== undefined) run.run();
  checkRealTime(run.points, findings);
  return verdictOf('replay', findings, {
    judged: Math.min(run.counts.reads, run.counts.writes),
    isComplete: events !== undefined && events.gaps.size === 0 && run.counts.beyond === 0,
    counts: {
      ...countOutcomes(requests),
      ...run.counts,
      revisions: events?.lastRevision ?? 0,
      'revisions unknown': events?.gaps.size ?? 0,
    },
  });
}

const noEvents: Events = {
  byRevision: new Map(),
  lastRevision: 1,
  gaps: new Set(),
  toldBy: new Map(),
};

class Replay {
  /** Operations with the revision that they are known to have happened at. */
  readonly points: Point[] = [];
  readonly counts = { reads: 0, writes: 0, resolved: 0, 'by lease': 0, beyond: 0 };
  private readonly events: Events;
  private readonly findings: Findings;
  private readonly space = new KeySpace();
  private readonly writesAt = new Map<number, Answered>();
  private readonly readsAt = new Map<number, Answered[]>();
  private readonly unresolved: UnresolvedWrites;

  constructor(operations: readonly Operation[], events: Events, findings: Findings) {
    this.events = events;
    this.findings = findings;
    for (const operation of operations) this.sort(operation);
    this.unresolved = new UnresolvedWrites(operations, this.points);
  }

  private sort(operation: Operation): void {
    const [request, answer] = [requestOf(operation), answerOf(operation)];
    if (request === undefined || answer === undefined) return;
    const isWrite = hasWritten(request, answer);
    const { revision } = answer;
    if (request.serializable !== true) this.points.push({ operation, revision, isWrite });
    const answered = { operation, request, answer };
    if (isWrite) {
      const other = this.writesAt.get(revision);
      if (other !== undefined) this.reused(answered, other);
      else this.writesAt.set(revision, answered);
      return;
    }
    const [action] = request.success;
    const past = action?.op === 'get' ? (action.revision ?? 0) : 0;
    const at = past > 0 ? past : revision;
    if (at > this.events.lastRevision) this.counts.beyond++;
    const others = this.readsAt.get(at);
    if (others === undefined) this.readsAt.set(at, [answered]);
    else others.push(answered);
  }

  private reused({ operation, answer }: Answered, other: Answered): void {
    this.findings.add(
      'revision reused',
      `Two writes were both told that they are revision ${answer.revision}: ` +
        `${describeOperation(other.operation)} and ${describeOperation(operation)}. ` +
        `One of them is lost, or a revision was given twice.`,
      [other.operation.index, operation.index],
    );
  }

  run(): void {
    this.read(1);
    for (let revision = 2; revision <= this.events.lastRevision; revision++) {
      const events = this.events.byRevision.get(revision);
      const write = this.writesAt.get(revision);
      if (events === undefined && this.events.gaps.has(revision)) {
        this.space.skip(revision);
        continue;
      }
      if (write !== undefined) this.written(write, events ?? []);
      else if (events !== undefined) this.resolve(revision, events);
      this.space.apply(revision, events ?? []);
      this.read(revision);
    }
    for (const revision of this.writesAt.keys()) {
      if (revision > this.events.lastRevision) this.counts.beyond++;
    }
  }

  /** A write that was acknowledged with this revision, and what truly happened there. */
  private written(
    { operation, request, answer }: Answered,
    events: readonly ArchivedEvent[],
  ): void {
    this.counts.writes++;
    this.unresolved.explained(events);
    const { revision } = answer;
    const about = `${describeOperation(operation)}, "${describeRequest(request)}",`;
    const operations = [operation.index, this.events.toldBy.get(revision)];
    if (events.length === 0) {
      const what = `${about} was acknowledged as revision ${revision}, but nothing happened there.`;
      this.findings.add('lost write', what, operations);
      return;
    }
    if (!isKnown(this.space, request)) return;
    const expected = execute(this.space, request);
    const difference = differenceOf(answer, expected);
    if (difference !== undefined) {
      const what = `${about} wrote revision ${revision}, but ${difference}.`;
      this.findings.add('wrong answer of a write', what, operations);
    }
    if (isSame(expected.events, events)) return;
    const [due, got] = [describeEvents(expected.events), describeEvents(events)];
    const what = `${about} was acknowledged as revision ${revision}, which should be ${due || 'nothing'}, but is ${got}.`;
    this.findings.add('lost write', what, operations);
  }

  /** A revision that nobody was told of: somebody who is in doubt must have written it. */
  private resolve(revision: number, events: readonly ArchivedEvent[]): void {
    const author = this.unresolved.take(events, this.space);
    const told = this.events.toldBy.get(revision);
    const about = `Revision ${revision}, ${describeEvents(events)},`;
    if (author.kind === 'twice') {
      const what = `${about} is the work of ${describeOperation(author.operation)}, which wrote already: it was applied twice.`;
      this.findings.add('write applied twice', what, [author.operation.index, told]);
      return;
    }
    if (author.kind === 'nobody') {
      if (this.isEndOfLease(events)) {
        this.counts['by lease']++;
        return;
      }
      this.findings.add('write of nobody', `${about} was asked for by nobody.`, [told]);
      return;
    }
    const { operation, request } = author;
    this.counts.resolved++;
    this.points.push({ operation, revision, isWrite: true });
    if (operation.outcome === 'fail') {
      const error = operation.error ?? 'an error that rules it out';
      const what = `${about} was written by ${describeOperation(operation)}, which was told that it failed (${error}).`;
      this.findings.add('failed write happened', what, [operation.index, told]);
    } else if (operation.outcome === 'ok') {
      const what = `${about} was written by ${describeOperation(operation)}, which was told that it is another revision, or that its comparison failed.`;
      this.findings.add('wrong answer of a write', what, [operation.index, told]);
    }
    if (!isKnown(this.space, request) || isSame(execute(this.space, request).events, events))
      return;
    const what = `${about} is not what ${describeOperation(operation)} would do there: "${describeRequest(request)}".`;
    this.findings.add('wrong effect', what, [operation.index, told]);
  }

  private isEndOfLease(events: readonly ArchivedEvent[]): boolean {
    return events.every(
      ({ type, key }) => type === 'delete' && this.space.get(key)?.lease !== undefined,
    );
  }

  /** All that was read at this revision. */
  private read(revision: number): void {
    for (const { operation, request, answer } of this.readsAt.get(revision) ?? []) {
      if (!isKnown(this.space, request)) continue;
      this.counts.reads++;
      const expected = execute(this.space, request);
      const difference = differenceOf(answer, expected);
      if (difference === undefined) continue;
      const name = isMutation(request) ? 'wrong answer of a write' : 'wrong read';
      this.findings.add(
        name,
        `${describeOperation(operation)}, "${describeRequest(request)}", is of revision ${revision}, but ${difference}.`,
        [operation.index, ...this.writersOf(request)],
      );
    }
  }

  /** Those who wrote what the request looks at. */
  private writersOf(request: Request): readonly (number | undefined)[] {
    return request.success.map(({ key }) => {
      const mod = this.space.get(key)?.mod;
      return mod === undefined ? undefined : this.writesAt.get(mod)?.operation.index;
    });
  }
}

/** Whether a request that was answered so has changed anything. */
function hasWritten(request: Request, { succeeded, results }: Answer): boolean {
  const actions = succeeded ? request.success : (request.failure ?? []);
  return actions.some(
    ({ op }, i) => op === 'put' || (op === 'delete' && (results[i]?.deleted ?? 0) > 0),
  );
}

/** The same changes; the order within a revision is not part of the promise. */
function isSame(a: readonly ArchivedEvent[], b: readonly ArchivedEvent[]): boolean {
  if (a.length !== b.length) return false;
  const byKey = new Map(a.map((event) => [event.key, event]));
  return b.every((event) => {
    const other = byKey.get(event.key);
    if (other?.type !== event.type || other.mod !== event.mod) return false;
    if (other.type === 'delete' || event.type === 'delete') return true;
    const { value, create, version, lease } = event;
    return (
      other.value === value &&
      other.create === create &&
      other.version === version &&
      other.lease === lease
    );
  });
}
