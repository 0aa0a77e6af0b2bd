import type { Random } from '../../src/base/random.ts';
import { RawClient } from '../members/client.ts';
import type { WireObject } from '../members/protocol.ts';
import { boot } from './booted.ts';
import { ClientHistory } from './client-history.ts';
import type { Change } from './client-history.ts';
import { checkClient, mustAnswer } from './client-oracle.ts';
import type { JudgedImage, Judgement, Life, LifeOptions } from './life.ts';
import { judgementOf } from './life.ts';
import { prepareLonelyLife } from './lonely-life.ts';
import { mendTrace } from './power-loss.ts';
import { traceLength } from './trace-reader.ts';

/** A member alone, with clients: writes of all kinds, compactions, leases, defragmentations and kills. */

const rounds = 12;
const roundsPerStart = 4;
const writesPerRound = 90;
const lanes = 6;
const keysCount = 30;
const largeBytes = 96 * 1024;
/** Once, between two kills: more than LevelDB's write buffer, so that log files are switched. */
const floodRound = 5;
const floodWrites = 14;
const floodBytes = 700 * 1024;

export async function liveWithClients(options: LifeOptions): Promise<Life> {
  const { member, client, trace } = await prepareLonelyLife(options);
  const history = new ClientHistory();
  const writer = new Writer(client, history, options.random, () => traceLength(trace));
  try {
    await member.start();
    for (let round = 0; round < rounds; round++) {
      if (round === floodRound) await writer.flood();
      await writer.round();
      if (round % roundsPerStart === roundsPerStart - 1) {
        // Killed, not stopped: what follows is a recovery, and it too can lose power.
        await member.kill();
        client.close();
        mendTrace(trace);
        await member.start();
      }
    }
  } finally {
    await member.kill();
    client.close();
  }
  return {
    name: 'clients',
    trace,
    summary: `${history.changesCount} writes up to revision ${history.lastRevision}, ${writer.describe()}`,
    promises: history,
    judge: (image) => judgeByHistory(history, image),
  };
}

/** Judges by promises that were written down. */
export function judgeClientsAgain(promises: object, image: JudgedImage): Promise<Judgement> {
  return judgeByHistory(Object.assign(new ClientHistory(), promises), image);
}

export async function judgeByHistory(
  history: ClientHistory,
  image: JudgedImage,
): Promise<Judgement> {
  let booted;
  try {
    booted = await boot(image.dataDir, image);
  } catch (error) {
    return judgementOf(error);
  }
  const client = new RawClient(booted.target);
  try {
    await checkClient(client, history, image);
    return { outcome: 'booted' };
  } catch (error) {
    return judgementOf(error);
  } finally {
    client.close();
    await booted.stop();
  }
}

/** Writes several at a time what cannot disturb each other's revisions, and the rest one by one. */
class Writer {
  private readonly client: RawClient;
  private readonly history: ClientHistory;
  private readonly random: Random;
  private readonly now: () => number;
  private readonly counts = new Map<string, number>();
  private leases: string[] = [];
  private writes = 0;
  private nextLease = 1000;

  constructor(client: RawClient, history: ClientHistory, random: Random, now: () => number) {
    this.client = client;
    this.history = history;
    this.random = random;
    this.now = now;
  }

  describe(): string {
    return [...this.counts].map(([what, count]) => `${count} ${what}`).join(', ');
  }

  async round(): Promise<void> {
    await this.grant();
    let left = writesPerRound;
    const lane = async (): Promise<void> => {
      while (left-- > 0) await this.write();
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    const luck = this.random.below(3);
    if (luck !== 0) await this.compact();
    if (luck !== 1 && this.leases.length > 2) await this.revoke();
    if (luck === 2) await this.call('Maintenance.Defragment', 'defragmentations', {});
    await this.hash();
  }

  async flood(): Promise<void> {
    for (let left = floodWrites; left > 0; left--) {
      const put = { ...this.put(), value: `${++this.writes}:`.padEnd(floodBytes, 'large ') };
      const answer = await this.call('KV.Put', 'large puts', requestOf(put));
      this.history.changed(this.now(), revisionOf(answer), [put]);
    }
  }

  private async call(method: string, what: string, request: object): Promise<WireObject> {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    return mustAnswer(await this.client.call(method, request, { deadlineMs: 30_000 }), method);
  }

  private key(): string {
    return `key-${this.random.below(keysCount)}`;
  }

  private value(): string {
    const number = ++this.writes;
    const length = this.random.below(4) === 0 ? this.random.below(largeBytes) : 20;
    return `${number}:`.padEnd(length, `${number % 7}`);
  }

  private put(): Change & { readonly kind: 'put' } {
    const own = this.leases[this.random.below(this.leases.length * 4)];
    return { kind: 'put', key: this.key(), value: this.value(), lease: own ?? '0' };
  }

  private async write(): Promise<void> {
    const luck = this.random.below(10);
    if (luck === 0) return this.remove();
    if (luck === 1) return this.transact();
    const put = this.put();
    const answer = await this.call('KV.Put', 'puts', requestOf(put));
    this.history.changed(this.now(), revisionOf(answer), [put]);
  }

  private async remove(): Promise<void> {
    const key = this.key();
    const answer = await this.call('KV.DeleteRange', 'deletions', { key: Buffer.from(key) });
    if (answer['deleted'] === '0') return;
    this.history.changed(this.now(), revisionOf(answer), [{ kind: 'delete', key }]);
  }

  private async transact(): Promise<void> {
    const first = this.put();
    let second = this.put();
    while (second.key === first.key) second = this.put();
    const success = [first, second].map((put) => ({ request_put: requestOf(put) }));
    const answer = await this.call('KV.Txn', 'transactions', { success });
    this.history.changed(this.now(), revisionOf(answer), [first, second]);
  }

  private async compact(): Promise<void> {
    const revision = this.history.lastRevision - this.random.below(100);
    if (revision <= this.history.compactionAt(Infinity)) return;
    const physical = this.random.below(2) === 0;
    await this.call('KV.Compact', 'compactions', { revision, physical });
    this.history.compacted(this.now(), revision);
  }

  private async grant(): Promise<void> {
    const id = String(this.nextLease++);
    await this.call('Lease.LeaseGrant', 'leases', { ID: id, TTL: 100_000 });
    this.history.leaseGranted(this.now(), id);
    this.leases.push(id);
  }

  private async revoke(): Promise<void> {
    const id = this.leases[0] ?? '';
    this.leases = this.leases.slice(1);
    const keys = [...this.history.stateAt(Infinity)].filter(([, state]) => state.lease === id);
    this.history.leaseRevoking(id);
    const answer = await this.call('Lease.LeaseRevoke', 'revocations', { ID: id });
    const at = this.now();
    this.history.leaseRevoked(at, id);
    if (keys.length === 0) return;
    const changes = keys.map(([key]) => ({ kind: 'delete', key }) as const);
    this.history.changed(at, revisionOf(answer), changes);
  }

  private async hash(): Promise<void> {
    const answer = await this.call('Maintenance.HashKV', 'hashes', {});
    this.history.hashes.push({
      revision: this.history.lastRevision,
      compactRevision: Number(answer['compact_revision']),
      hash: Number(answer['hash']),
    });
  }
}

function requestOf({ key, value, lease }: Change & { readonly kind: 'put' }): object {
  return { key: Buffer.from(key), value: Buffer.from(value), lease };
}

function revisionOf(answer: WireObject): number {
  return Number((answer['header'] as WireObject)['revision']);
}
