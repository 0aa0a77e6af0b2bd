import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/base/random.ts';
import type { WatchEvent } from '../guarantees/history.ts';
import {
  checkLeases,
  type LeaseGone,
  type LeaseRevoke,
  type LeaseTerm,
} from '../guarantees/lease-checks.ts';
import type { Answer } from './client.ts';
import type { Cluster } from './harness.ts';

/** Clients of real members who keep leases alive for a while, and write down what they are told of them. */

const prefix = 'lease/';
const keysPerLease = 3;
const callDeadlineMs = 2_000;
const keepAliveMs = 300;
const keepAlivesMax = 16;
const revokedPerCent = 20;

export function isLeased(key: string): boolean {
  return key.startsWith(prefix);
}

export class LeaseLoad {
  private readonly cluster: Cluster;
  private readonly random: Random;
  private readonly clients: number;
  private readonly terms: LeaseTerm[] = [];
  private readonly revokes: LeaseRevoke[] = [];
  private readonly gone: LeaseGone[] = [];
  private isStopped = true;
  private runs: readonly Promise<void>[] = [];

  constructor(cluster: Cluster, random: Random, clients: number) {
    this.cluster = cluster;
    this.random = random;
    this.clients = clients;
  }

  run(): void {
    this.isStopped = false;
    this.runs = Array.from({ length: this.clients }, () => this.live());
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.runs);
  }

  /** A watcher was told of this. */
  told({ type, key }: WatchEvent): void {
    if (type !== 'delete' || !isLeased(key)) return;
    this.saw(BigInt(key.split('/')[1] ?? '0'), `seen without ${key}`);
  }

  check(): readonly string[] {
    const { terms, revokes, gone } = this;
    return checkLeases({ terms, revokes, gone });
  }

  get kept(): number {
    return this.terms.length;
  }

  private async live(): Promise<void> {
    while (!this.isStopped) {
      const beganAtMs = performance.now();
      const granted = await this.call('Lease.LeaseGrant', {
        TTL: String(1 + this.random.below(3)),
      });
      if (!granted?.ok) continue;
      const id = BigInt(String(granted.message['ID']));
      this.note(id, 'grant', beganAtMs, granted);
      for (let i = 0; i < keysPerLease; i++) {
        const key = Buffer.from(`${prefix}${id}/${i}`);
        await this.call('KV.Put', { key, value: key, lease: String(id) });
      }
      let isThere = true;
      for (let i = this.random.below(keepAlivesMax); i > 0 && isThere && !this.isStopped; i--) {
        isThere = await this.keepAlive(id);
        await sleep(keepAliveMs);
      }
      if (this.random.below(100) < revokedPerCent) {
        this.revokes.push({ id, beganAtMs: performance.now() });
        await this.call('Lease.LeaseRevoke', { ID: String(id) });
      }
    }
  }

  /** One question on a stream of its own; answers whether the lease may still be there. */
  private async keepAlive(id: bigint): Promise<boolean> {
    const beganAtMs = performance.now();
    const answer = await this.call('Lease.LeaseKeepAlive', { ID: String(id) });
    // A stream that ends well without an answer says nothing.
    if (!answer?.ok || answer.messages !== 1) return true;
    this.note(id, 'keepAlive', beganAtMs, answer);
    const isThere = this.terms.at(-1)?.ttlSeconds !== 0;
    if (!isThere) this.saw(id, 'not kept alive');
    return isThere;
  }

  private note(id: bigint, kind: LeaseTerm['kind'], beganAtMs: number, answer: Answer): void {
    const ttlSeconds = Number((answer.ok && answer.message['TTL']) || 0);
    this.terms.push({ id, kind, beganAtMs, ackedAtMs: performance.now(), ttlSeconds });
  }

  private saw(id: bigint, how: string): void {
    if (!this.gone.some((each) => each.id === id)) {
      this.gone.push({ id, how, seenAtMs: performance.now() });
    }
  }

  private async call(method: string, request: object): Promise<Answer | undefined> {
    const { running } = this.cluster;
    const member = running[this.random.below(Math.max(1, running.length))];
    if (member === undefined) {
      await sleep(keepAliveMs);
      return undefined;
    }
    const client = this.cluster.client(member);
    const answer = await client.call(method, request, { deadlineMs: callDeadlineMs });
    if (!answer.ok) await sleep(keepAliveMs / 10);
    return answer;
  }
}
