import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WireObject } from '../test/members/protocol.ts';
import type { TestCluster } from './db/cluster.ts';
import type { Slot } from './db/slot.ts';
import type { LogLine, MemberHash } from './ending.ts';
import { MachineMeter } from './machine.ts';
import type { Recovery } from './types.ts';

/** After the nemesis: the world is made whole, and what the members then say is gathered. Nothing is judged here. */

/** A member that has not served again by then is told of as absent. */
const serviceTimeoutMs = 30_000;
/** Members hold the same data this long after service is back at the latest. */
const agreementTimeoutMs = 30_000;
const probeDeadlineMs = 2_000;
const pollMs = 100;
const alarmsMax = 20;
const alarmCharsMax = 500;

/** What every recovery is watched with; `signal` gives it up, and nothing is said then. */
export interface RecoveryOptions {
  /** Why the first members could not be brought back. */
  readonly refusal?: string | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Waits until every member serves a linearizable read and a proposal; changes nothing that a client could see.
 */
export async function recovered(
  cluster: TestCluster,
  { refusal, signal = never }: RecoveryOptions = {},
): Promise<Recovery> {
  const startMs = performance.now();
  const pids = (): readonly number[] => cluster.members.flatMap(({ pid }) => pid ?? []);
  const meter = new MachineMeter(pids, cluster.folder);
  const deadlineMs = startMs + serviceTimeoutMs;
  const reasons = await Promise.all(
    cluster.members.map(async (slot) => ({
      member: slot.name,
      reason: await serves(cluster, slot, { deadlineMs, signal }),
    })),
  );
  const elapsedMs = Math.round(performance.now() - startMs);
  const { coreMs, diskMs } = await meter.end();
  const lost = refusal === undefined ? [] : [{ member: 'a first member', reason: refusal }];
  const silent = reasons.flatMap(({ member, reason }) =>
    reason === undefined ? [] : [{ member, reason }],
  );
  const absent = [...lost, ...silent];
  const recoveredMs = absent.length === 0 ? elapsedMs : undefined;
  return { recoveredMs, waitedForCoreMs: coreMs, waitedForDiskMs: diskMs, absent };
}

const never = new AbortController().signal;

/** No key has this name, so that deleting it is a proposal that changes nothing. */
const probeKey = Buffer.from('\0jepsen-lite/probe');

/** Undefined: it serves. Otherwise what it said last. */
async function serves(
  cluster: TestCluster,
  slot: Slot,
  { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const probes = ['KV.Range', 'KV.DeleteRange'];
  let reason = 'it was not asked';
  for (const method of probes) {
    for (;;) {
      const answer = await cluster.call(slot, method, { key: probeKey }, probeDeadlineMs);
      if (answer.ok) break;
      // Nobody starts it again now.
      if (!slot.isRunning) return `its process has ended: ${lastLine(slot.tail)}`;
      reason = `${method} answered ${answer.text}`;
      if (performance.now() > deadlineMs || signal.aborted) return reason;
      await sleep(pollMs);
    }
  }
  return undefined;
}

/** HashKV of every member at the same revision; the last ones when they did not agree in time. */
export async function finalHashes(cluster: TestCluster): Promise<readonly MemberHash[]> {
  const deadlineMs = performance.now() + agreementTimeoutMs;
  for (;;) {
    const hashes = await hashesNow(cluster);
    const kinds = new Set(
      hashes.map(({ hash, revision, compactRevision }) => `${hash} ${revision} ${compactRevision}`),
    );
    const isWhole = hashes.length === cluster.members.length;
    if ((isWhole && kinds.size === 1) || performance.now() > deadlineMs) return hashes;
    await sleep(pollMs);
  }
}

/** At the revision that the one furthest behind has, so that all of them hash the same changes. */
async function hashesNow(cluster: TestCluster): Promise<readonly MemberHash[]> {
  const newest = await hashesAt(cluster, 0);
  const least = Math.min(...newest.map(({ revision }) => Number(revision)));
  if (newest.every(({ revision }) => Number(revision) === least)) return newest;
  const common = await hashesAt(cluster, least);
  return common.length === newest.length ? common : newest;
}

async function hashesAt(cluster: TestCluster, revision: number): Promise<readonly MemberHash[]> {
  const answers = await Promise.all(
    cluster.members.map(async (slot) => {
      const answer = await cluster.call(slot, 'Maintenance.HashKV', { revision });
      return answer.ok ? [memberHash(slot.name, answer.message)] : [];
    }),
  );
  return answers.flat();
}

function memberHash(member: string, message: WireObject): MemberHash {
  const header = message['header'] as WireObject | undefined;
  return {
    member,
    revision: String(message['hash_revision'] ?? header?.['revision']),
    compactRevision: String(message['compact_revision']),
    hash: String(message['hash']),
  };
}

/** What the logs say of failures, but where a fault of the disk was the reason. */
export function alarmsIn(cluster: TestCluster): readonly LogLine[] {
  return cluster.slots.flatMap((slot) => {
    const { logFile, name } = slot.options;
    if (!existsSync(logFile)) return [];
    const found: LogLine[] = [];
    let offset = 0;
    for (const line of readFileSync(logFile, 'utf8').split('\n')) {
      if (cluster.db.alarm.test(line) && !slot.isExcused(offset)) {
        found.push({ member: name, line: line.slice(0, alarmCharsMax) });
      }
      offset += Buffer.byteLength(line) + 1;
    }
    return found.slice(0, alarmsMax);
  });
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.slice(0, alarmCharsMax) ?? '';
}
