import type { Kv } from '../client/requests.ts';
import { isRecord } from '../client/requests.ts';
import type { History, Json, Operation } from '../types.ts';
import { operationsOf, type Findings } from './verdict.ts';

/** What the archive of a run says: everything that happened to the key space, by revision. */

export type ArchivedEvent =
  | ({ readonly type: 'put' } & Kv)
  | { readonly type: 'delete'; readonly key: string; readonly mod: number };

export interface Events {
  readonly byRevision: ReadonlyMap<number, readonly ArchivedEvent[]>;
  /** The highest revision up to which any member told everything. */
  readonly lastRevision: number;
  /** Revisions that no member told. */
  readonly gaps: ReadonlySet<number>;
  /** The operation that told of a revision. */
  readonly toldBy: ReadonlyMap<number, number>;
}

/** Undefined: the history has no archive. What the members tell differently is an anomaly. */
export function eventsOf(history: History, findings: Findings): Events | undefined {
  const notes = operationsOf(history, 'archive');
  if (notes.length === 0) return undefined;
  const byRevision = new Map<number, readonly ArchivedEvent[]>();
  const toldBy = new Map<number, number>();
  const told = toldRanges(notes);
  for (const member of new Set(notes.map((note) => note.member))) {
    const own = notes.filter((note) => note.member === member);
    const [note] = own;
    if (note === undefined) continue;
    // A revision may go on in the next note.
    const told = own.flatMap(({ output }) => eventsIn(output));
    for (const [revision, events] of groupByRevision(told)) {
      const known = byRevision.get(revision);
      if (known === undefined) {
        byRevision.set(revision, events);
        toldBy.set(revision, note.index);
      } else if (identify(known) !== identify(events)) {
        findings.add(
          'members disagree',
          `Two members tell a different story of revision ${revision}: ${describeEvents(known)}, and ` +
            `${note.member}: ${describeEvents(events)}.`,
          [toldBy.get(revision), note.index],
        );
      }
    }
  }
  const lastRevision = Math.max(1, ...told.map(({ to }) => to));
  const gaps = new Set<number>();
  for (let revision = 2; revision <= lastRevision; revision++) {
    if (!told.some((range) => isToldBy(range, revision))) gaps.add(revision);
  }
  reportMissing(notes, byRevision, { told, toldBy, findings });
  return { byRevision, lastRevision, gaps, toldBy };
}

interface Told {
  readonly member: string;
  readonly index: number;
  readonly to: number;
  readonly gaps: readonly (readonly [number, number])[];
}

/** How far each member's archive reaches. */
function toldRanges(notes: readonly Operation[]): readonly Told[] {
  return notes.flatMap(({ output, member, index }) => {
    if (!isRecord(output) || output['toldRevision'] === undefined) return [];
    const gaps = (output['gaps'] ?? []) as unknown as Told['gaps'];
    return [{ member, index, to: Number(output['toldRevision']), gaps }];
  });
}

function isToldBy({ to, gaps }: Told, revision: number): boolean {
  return revision <= to && !gaps.some(([first, last]) => revision >= first && revision <= last);
}

/** A revision that one member told of, and another one passed over. */
function reportMissing(
  notes: readonly Operation[],
  all: ReadonlyMap<number, readonly ArchivedEvent[]>,
  {
    told,
    toldBy,
    findings,
  }: {
    readonly told: readonly Told[];
    readonly toldBy: ReadonlyMap<number, number>;
    readonly findings: Findings;
  },
): void {
  for (const range of told) {
    const own = notes.filter(({ member }) => member === range.member);
    const has = new Set(own.flatMap(({ output }) => eventsIn(output).map(({ mod }) => mod)));
    for (const [revision, events] of all) {
      if (has.has(revision) || !isToldBy(range, revision)) continue;
      findings.add(
        'members disagree',
        `A watch at ${range.member} was told everything up to revision ${range.to}, but nothing of ` +
          `revision ${revision}, which elsewhere is ${describeEvents(events)}.`,
        [toldBy.get(revision), range.index],
      );
    }
  }
}

function eventsIn(output: Json): readonly ArchivedEvent[] {
  if (!isRecord(output)) return [];
  return (output['events'] ?? []) as unknown as readonly ArchivedEvent[];
}

function groupByRevision(events: readonly ArchivedEvent[]): Map<number, ArchivedEvent[]> {
  const groups = new Map<number, ArchivedEvent[]>();
  for (const event of events) {
    const group = groups.get(event.mod);
    if (group === undefined) groups.set(event.mod, [event]);
    else group.push(event);
  }
  return groups;
}

function identify(events: readonly ArchivedEvent[]): string {
  return JSON.stringify(
    events.map((event) =>
      event.type === 'delete'
        ? [event.key]
        : [event.key, event.value, event.create, event.version, event.lease],
    ),
  );
}

export function describeEvents(events: readonly ArchivedEvent[]): string {
  return events
    .map((event) =>
      event.type === 'put' ? `put ${event.key} = ${event.value}` : `delete ${event.key}`,
    )
    .join(', ');
}
