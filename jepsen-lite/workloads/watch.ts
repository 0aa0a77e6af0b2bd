import { seededRandom } from '../../src/base/random.ts';
import type { WatchRequest } from '../../test/guarantees/history.ts';
import { everything, Watchers } from '../../test/members/watchers.ts';
import { fragmentsName, watch as checker } from '../checkers/watch.ts';
import { foldValue } from '../client/padding.ts';
import { anyMember } from '../checkers/verdict.ts';
import { answerOf, get, put, remove, type Action, type Request } from '../client/requests.ts';
import type { Json, Workload, WorkloadContext } from '../types.ts';
import {
  onlookerProcesses,
  recordUntilOk,
  runWorkers,
  type Worker,
  type WorkersSettings,
} from './workers.ts';

/**
 * Watchers of all kinds, several on a stream, that start around the present, leave for another member, and resume
 * where they were. Judged by etcd's promises to watchers.
 */

const prefix = 'w/';
const keys = 20;
const compactPerMille = 4;
/** A compaction leaves so many revisions. */
const compactBehind = 60;
/** Groups of watchers come one after the other. */
const groupEveryMs = 3_000;

/** How much is written, and who watches. */
interface Scale extends WorkersSettings {
  readonly groupsMax: number;
  readonly streams: number;
  readonly watchersPerStream: number;
  readonly makeValue: (worker: Worker) => string;
  /** Of a hundred writes; one action in so many of a transaction deletes. */
  readonly txnPerCent: number;
  readonly deletesOneIn: number;
  /** Whether watchers take large answers in parts. */
  readonly fragment: boolean;
}

const small: Scale = {
  workers: 5,
  paceMs: 40,
  groupsMax: 8,
  streams: 3,
  watchersPerStream: 4,
  makeValue: (worker) => worker.uniqueValue(),
  txnPerCent: 30,
  deletesOneIn: 3,
  fragment: false,
};

/** Three values in one transaction, with what they were before, are more than etcd says in one answer (2 MiB). */
const [largeBytesMin, largeBytesMax] = [250 * 1024, 450 * 1024];
const largePerCent = 90;

const large: Scale = {
  workers: 3,
  paceMs: 300,
  groupsMax: 2,
  streams: 2,
  watchersPerStream: 2,
  txnPerCent: 80,
  deletesOneIn: 15,
  makeValue: (worker) => {
    const value = worker.uniqueValue();
    const isLarge = worker.random.below(100) < largePerCent;
    const bytes = largeBytesMin + worker.random.below(largeBytesMax - largeBytesMin);
    return isLarge ? `${value}+${bytes}` : value;
  },
  fragment: true,
};
const leavePerCent = 2;
const progressMs = 300;
/** How far from the present a watcher starts. */
const offsetMax = 50;
/** In which everybody is told of everything, once all has healed; and how much longer a slow machine gets. */
const settlingMs = 20_000;
const settlingAgainMs = 35_000;
const futureOffsetMax = 10;

interface Seen {
  revision: number;
  futureStart: number;
  /** The highest that was asked to be compacted. */
  compacted: number;
}

export function watchWorkload(): Workload {
  return workloadOf('watch', small);
}

/** The same with answers so large that they come in fragments. */
export function fragmentsWorkload(): Workload {
  return workloadOf(fragmentsName, large);
}

function workloadOf(name: string, scale: Scale): Workload {
  const { groupsMax, streams, watchersPerStream, fragment } = scale;
  let groups: Watchers[] = [];
  let seen: Seen = { revision: 1, futureStart: 0, compacted: 0 };
  return {
    name,
    checkers: [checker],
    async run(context) {
      groups = [];
      seen = { revision: 1, futureStart: 0, compacted: 0 };
      const random = seededRandom(context.seed ^ 0x5747);
      const members = membersOf(context);
      const join = (): void => {
        const isFirst = groups.length === 0;
        const group = new Watchers(members, {
          streams,
          fragment,
          readValue: foldValue,
          watchersPerStream,
          random,
          leavePerCent,
          progressMs,
          requestOf: (stream, watcher) =>
            isFirst && watcher === 0 ? everything : chooseRequest(random, stream + watcher, seen),
        });
        groups.push(group);
        group.compacting(seen.compacted);
        group.run();
      };
      join();
      const timer = setInterval(() => {
        if (groups.length < groupsMax) join();
      }, groupEveryMs);
      await runWorkers(context, scale, (worker) => step(worker, { seen, groups, scale })).finally(
        () => clearInterval(timer),
      );
    },
    async finish(context) {
      for (const group of groups) group.stay();
      try {
        await settle(context, groups, seen);
      } finally {
        await Promise.all(groups.map((group) => group.stop()));
      }
      groups.forEach((group, i) => note(context, group, i));
    },
  };
}

function membersOf({ endpoints }: WorkloadContext) {
  const running = endpoints.map(({ member, url }) => {
    return { name: member, target: url.replace(/^\w+:\/\//, '') };
  });
  return { running };
}

function chooseRequest(
  random: { below(bound: number): number },
  kind: number,
  seen: Seen,
): WatchRequest {
  const name = (n: number): string => `${prefix}${String(n).padStart(2, '0')}`;
  const first = random.below(keys);
  const ranges = [
    { key: name(first), rangeEnd: undefined },
    { key: name(first), rangeEnd: name(first + 5) },
    { key: prefix, rangeEnd: 'w0' },
    { key: name(first), rangeEnd: '' },
  ];
  const starts = [
    0,
    1,
    Math.max(1, seen.revision - random.below(offsetMax)),
    seen.revision + random.below(futureOffsetMax),
  ];
  const startRevision = starts[random.below(starts.length)] ?? 0;
  seen.futureStart = Math.max(seen.futureStart, startRevision);
  return {
    ...(ranges[kind % ranges.length] ?? everything),
    rangeEnd: ranges[kind % ranges.length]?.rangeEnd,
    startRevision,
    prevKv: random.below(2) === 0,
    noPut: random.below(6) === 0,
    noDelete: random.below(6) === 0,
  };
}

interface Writing {
  readonly scale: Scale;
  readonly seen: Seen;
  readonly groups: readonly Watchers[];
}

async function step(worker: Worker, { seen, groups, scale }: Writing): Promise<void> {
  const { random } = worker;
  if (random.below(1000) < compactPerMille && seen.revision > compactBehind) {
    const revision = seen.revision - compactBehind;
    seen.compacted = Math.max(seen.compacted, revision);
    for (const group of groups) group.compacting(revision);
    await worker.record('compact', { revision }, () => worker.client.compact(revision));
    return;
  }
  const operation = await worker.kv('write', chooseWrite(worker, scale));
  seen.revision = Math.max(seen.revision, answerOf(operation)?.revision ?? 0);
}

function chooseWrite(worker: Worker, scale: Scale): Request {
  const { random } = worker;
  const { makeValue, txnPerCent, deletesOneIn } = scale;
  const name = (): string => `${prefix}${String(random.below(keys)).padStart(2, '0')}`;
  if (random.below(100) >= txnPerCent) {
    return random.below(7) < 5 ? put(name(), makeValue(worker)) : remove(name());
  }
  const names = [...new Set([name(), name(), name()])];
  return {
    success: names.map((key): Action => {
      if (random.below(deletesOneIn) === 0) return { op: 'delete', key };
      return { op: 'put', key, value: makeValue(worker) };
    }),
  };
}

/** Everybody must be told everything up to the last revision, those included that wait for the future. */
async function settle(
  context: WorkloadContext,
  groups: readonly Watchers[],
  seen: Seen,
): Promise<void> {
  let revision = 0;
  while (revision <= seen.futureStart + 1) {
    const last = await recordUntilOk(context, 'write', put(`${prefix}last`, `last ${revision}`));
    if (last === undefined) break;
    revision = Math.max(revision, answerOf(last)?.revision ?? 0);
  }
  const final = await recordUntilOk(context, 'read', get(`${prefix}last`));
  revision = Math.max(revision, (final && answerOf(final)?.revision) ?? 0);
  // On a slow machine they get more time, and the report says so.
  let late = await lateOf(groups, revision, settlingMs);
  const isSlow = late.length > 0;
  if (isSlow) {
    // A stream whose watches wait for the future is told nothing of progress until something is written.
    await recordUntilOk(context, 'write', put(`${prefix}last`, 'last of all'));
    late = await lateOf(groups, revision, settlingAgainMs);
  }
  for (const group of groups) {
    if (late.length === 0) await group.settle(revision);
    else await group.stop();
  }
  if (!isSlow) return;
  const [endpoint] = context.endpoints;
  context.recorder.note({
    process: onlookerProcesses,
    member: endpoint?.member ?? '',
    f: 'late watchers',
    input: { revision },
    output: { late, waitedMs: settlingMs },
  });
}

/** Who is not told of everything within that time, in words. */
async function lateOf(
  groups: readonly Watchers[],
  revision: number,
  timeoutMs: number,
): Promise<string[]> {
  const late = await Promise.all(
    groups.map((group) =>
      group.told(revision, timeoutMs).then(
        () => [],
        (error: unknown) => [error instanceof Error ? error.message : String(error)],
      ),
    ),
  );
  return late.flat();
}

function note(context: WorkloadContext, group: Watchers, i: number): void {
  const { watchers } = group;
  const nowMs = performance.now();
  for (const [j, { name, watches }] of watchers.entries()) {
    for (const { request, notices, heardAtMs, settledRevision, member = anyMember } of watches) {
      const heard = notices.map((notice, k) => ({
        ...notice,
        agoMs: Math.round(nowMs - (heardAtMs[k] ?? nowMs)),
      }));
      context.recorder.note({
        process: onlookerProcesses + i * watchers.length + j,
        member,
        f: 'watch',
        input: { watcher: `${name} of group ${i}`, request: toJson(request) },
        output: { notices: toJson(heard), settledRevision: settledRevision ?? null },
      });
    }
  }
  if (group.violations.length === 0) return;
  context.recorder.note({
    process: onlookerProcesses + i * watchers.length,
    member: anyMember,
    f: 'strange answers',
    input: null,
    output: group.violations,
  });
}

/** Leases are beyond what JSON's numbers hold: as text. */
function toJson(value: unknown): Json {
  const text = JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'bigint' ? String(each) : each,
  );
  return JSON.parse(text) as Json;
}
