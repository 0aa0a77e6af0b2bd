import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseSchedstat } from '../test/bench/proc.ts';
import type { WireObject } from '../test/members/protocol.ts';
import type { TestCluster } from './db/cluster.ts';
import type { Slot } from './db/slot.ts';
import type { Ending, LogLine, MemberHash } from './ending.ts';

/** After the nemesis: the world is made whole, and what the members then say is gathered. Nothing is judged here. */

/** A member that has not served again by then is told of as absent. */
const serviceTimeoutMs = 30_000;
/** Members hold the same data this long after service is back at the latest. */
const agreementTimeoutMs = 30_000;
const probeDeadlineMs = 2_000;
const pollMs = 100;
const alarmsMax = 20;
const alarmCharsMax = 500;

export type Recovery = Pick<Ending, 'recoveredMs' | 'waitedForCoreMs' | 'absent'>;

/**
 * Waits until every member serves a linearizable read and a proposal; changes nothing that a client could see.
 * `refusal`: why the first members could not be brought back.
 */
export async function recovered(
  cluster: TestCluster,
  refusal: string | undefined,
): Promise<Recovery> {
  const startMs = performance.now();
  const waited = new CoreWaits(cluster);
  const reasons = await Promise.all(
    cluster.members.map(async (slot) => ({
      member: slot.name,
      reason: await serves(cluster, slot, startMs + serviceTimeoutMs),
    })),
  );
  const lost = refusal === undefined ? [] : [{ member: 'a first member', reason: refusal }];
  const silent = reasons.flatMap(({ member, reason }) =>
    reason === undefined ? [] : [{ member, reason }],
  );
  const absent = [...lost, ...silent];
  const recoveredMs = absent.length === 0 ? Math.round(performance.now() - startMs) : undefined;
  return { recoveredMs, waitedForCoreMs: Math.round(waited.longestMs()), absent };
}

/** How long members stood ready to run while others had all the cores: that is the machine's time, not theirs. */
class CoreWaits {
  readonly #cluster: TestCluster;
  readonly #before: ReadonlyMap<number, number>;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
    this.#before = new Map(this.#now());
  }

  /** Of the member that waited longest, since this was made or its process began. */
  longestMs(): number {
    const waits = this.#now().map(([pid, ms]) => ms - (this.#before.get(pid) ?? 0));
    return Math.max(0, ...waits);
  }

  /** By process, of its main thread. */
  #now(): readonly (readonly [number, number])[] {
    return this.#cluster.members.flatMap(({ pid }) => {
      if (pid === undefined) return [];
      try {
        const stat = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8');
        return [[pid, parseSchedstat(stat).waitingMs] as const];
      } catch {
        // One that has just ended has nothing to tell.
        return [];
      }
    });
  }
}

/** No key has this name, so that deleting it is a proposal that changes nothing. */
const probeKey = Buffer.from('\0jepsen-lite/probe');

/** Undefined: it serves. Otherwise what it said last. */
async function serves(
  cluster: TestCluster,
  slot: Slot,
  deadlineMs: number,
): Promise<string | undefined> {
  const probes = ['KV.Range', 'KV.DeleteRange'];
  let reason = 'it was not asked';
  for (const method of probes) {
    for (;;) {
      const answer = await cluster.call(slot, method, { key: probeKey }, probeDeadlineMs);
      if (answer.ok) break;
      reason = slot.isRunning
        ? `${method} answered ${answer.text}`
        : `its process has ended: ${lastLine(slot.tail)}`;
      if (performance.now() > deadlineMs) return reason;
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
    const kinds = new Set(hashes.map(({ hash, revision }) => `${hash} ${revision}`));
    const isWhole = hashes.length === cluster.members.length;
    if ((isWhole && kinds.size === 1) || performance.now() > deadlineMs) return hashes;
    await sleep(pollMs);
  }
}

async function hashesNow(cluster: TestCluster): Promise<readonly MemberHash[]> {
  const answers = await Promise.all(
    cluster.members.map(async (slot) => {
      const answer = await cluster.call(slot, 'Maintenance.HashKV', { revision: 0 });
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
