import assert from 'node:assert/strict';
import { seededRandom, type Random } from '../../src/base/random.ts';
import { defaultServerConfig } from '../../src/config/server-config.ts';
import { memberSettings } from '../../src/embed/settings.ts';
import { FaultyLinks } from '../../src/peer/memory-links.ts';
import type { MemberSettings } from '../../src/server/member-parts.ts';
import type { ServerMember } from '../../src/server/member.ts';
import type { DiskOperation } from '../../src/storage/memory-operation.ts';
import { ChaosClients } from './chaos-clients.ts';
import { ChaosLeases } from './chaos-leases.ts';
import { ChaosMembers } from './chaos-members.ts';
import { ChaosWatchers } from './chaos-watchers.ts';
import { MemoryCluster } from './cluster.ts';

/**
 * A cluster of whole members in a bad world, all of it from one seed: crashes that lose unsynced writes, cut and
 * lossy links, disks that stall, logs so short that followers need snapshots. At the end the world heals, and what
 * the clients were told must be true.
 */

const stepsMax = 60;
/** After the world has healed the members must serve and agree within this. */
const healingMs = 30_000;

export class ChaosWorld {
  readonly cluster: MemoryCluster;
  readonly clients: ChaosClients;
  readonly watchers: ChaosWatchers;
  readonly leases: ChaosLeases;
  readonly members: ChaosMembers;
  private readonly random: Random;
  private readonly links: FaultyLinks;
  private readonly disks: ChaosDisks;

  private constructor(parts: {
    readonly cluster: MemoryCluster;
    readonly random: Random;
    readonly links: FaultyLinks;
    readonly disks: ChaosDisks;
    /** For those who watch and those who lease, so that they leave the rest of the world as it is. */
    readonly seed: number;
  }) {
    const { cluster, seed } = parts;
    this.cluster = parts.cluster;
    this.random = parts.random;
    this.links = parts.links;
    this.disks = parts.disks;
    this.clients = new ChaosClients(cluster, parts.random);
    this.leases = new ChaosLeases(cluster, seededRandom(seed + 2), this.clients.history);
    this.watchers = new ChaosWatchers({
      cluster,
      random: seededRandom(seed + 3),
      compactedMax: () => this.clients.compactedMax,
      told: (event) => this.leases.told(event),
    });
    this.members = new ChaosMembers({
      cluster,
      random: seededRandom(seed + 4),
      joined: (name) => this.watchers.observe(name),
    });
  }

  static async create(seed: number): Promise<ChaosWorld> {
    const random = seededRandom(seed);
    const links = new FaultyLinks(seededRandom(seed + 1), { isSilent: random.below(2) === 0 });
    const disks = new ChaosDisks(random);
    const cluster = await MemoryCluster.start(random.below(3) === 0 ? 5 : 3, {
      settings: anySettings(random),
      links,
      diskMs: (name, operation) => disks.delayMs(name, operation),
    });
    cluster.scheduler.lookMs = random.below(2) === 0 ? 0 : 0.2;
    return new ChaosWorld({ cluster, random, links, disks, seed });
  }

  async run(): Promise<void> {
    for (let step = 0; step < stepsMax; step++) {
      await this.disturb();
      this.clients.act();
      this.leases.act();
      this.watchers.act();
      await this.members.act();
      this.cluster.advance(this.oneOf([5, 20, 100, 500, 2000]));
      this.checkFatal();
    }
    await this.heal();
    this.check();
  }

  /** Nothing ends a member but that it was removed. */
  private checkFatal(): void {
    const { cluster } = this;
    const reasons = cluster.fatal.filter((reason) => !reason.includes('permanently removed'));
    assert.deepEqual(reasons, []);
    for (const name of cluster.failed) if (cluster.running(name)) cluster.stop(name);
  }

  private async disturb(): Promise<void> {
    const { cluster, random, links, disks } = this;
    const name = this.oneOf(cluster.names);
    switch (random.below(14)) {
      case 0:
      case 1:
        return this.crash(name);
      case 2:
        for (const each of cluster.names) if (random.below(2) === 0) this.crash(each);
        return;
      case 3:
      case 4:
      case 5:
        for (const each of cluster.names) await this.startAgain(each);
        return;
      case 6:
        return this.partition();
      case 7: {
        const [from, to] = [this.idOf(name), this.idOf(this.oneOf(cluster.names))];
        if (from !== undefined && to !== undefined) links.cut(from, to);
        return;
      }
      case 8:
      case 9:
        return links.heal();
      case 10:
        links.delayMaxMs = this.oneOf([0, 0, 20, 300]);
        links.lossPerMille = this.oneOf([0, 0, 50, 300]);
        links.doublePerMille = this.oneOf([0, 0, 100]);
        return;
      case 11:
        return disks.slow(name, this.oneOf([10, 100, 1500, 8000]));
      case 12:
        return disks.recover();
      default:
        return;
    }
  }

  private crash(name: string): void {
    const { cluster, random } = this;
    if (cluster.running(name) === undefined) return;
    const keepsPerMille = this.oneOf([0, 500, 1000]);
    const happens = (): boolean => random.below(1000) < keepsPerMille;
    cluster.crash(name, happens, happens);
    this.disks.forget(name);
  }

  private async startAgain(name: string): Promise<void> {
    if (this.cluster.removed.includes(name) || this.cluster.failed.has(name)) return;
    if (this.cluster.running(name) === undefined) await this.cluster.startMember(name);
  }

  private partition(): void {
    const ids = this.cluster.members.map(({ id }) => id);
    const { leader } = this.cluster;
    if (this.random.below(2) === 0 && leader !== undefined) {
      this.links.partition(
        [leader.id],
        ids.filter((id) => id !== leader.id),
      );
    } else {
      const first = ids.filter(() => this.random.below(2) === 0);
      this.links.partition(
        first,
        ids.filter((id) => !first.includes(id)),
      );
    }
  }

  private async heal(): Promise<void> {
    const { cluster, links, disks } = this;
    links.heal();
    links.delayMaxMs = 0;
    links.lossPerMille = 0;
    links.doublePerMille = 0;
    disks.recover();
    for (const name of cluster.names) await this.startAgain(name);
    await this.members.joinAll();
    cluster.until('a leader', () => cluster.leader !== undefined, healingMs);
    cluster.until('a write', () => this.clients.hasWritten(), healingMs);
    cluster.until('an answer to every change', () => this.members.calls.isIdle, healingMs);
    await this.members.joinAll();
    cluster.until('the end of the removed', () => this.hasLeft(), healingMs);
    this.leases.settle();
    this.watchers.resumeAll();
    cluster.until('a last write', () => this.clients.hasWritten(), healingMs);
    this.watchers.settle();
    cluster.until('the same revision everywhere', () => this.isSettled(), healingMs);
    cluster.until('an answer to every call', () => this.clients.isIdle, healingMs);
  }

  private hasLeft(): boolean {
    this.checkFatal();
    return this.members.isSettled();
  }

  private isSettled(): boolean {
    const { members, leader } = this.cluster;
    const index = leader?.status().raftIndex;
    return members.every((member) => member.status().raftAppliedIndex === index);
  }

  private check(): void {
    const { cluster, clients } = this;
    this.checkFatal();
    for (const member of cluster.members) clients.readEverything(member);
    const revisions = cluster.members.map((member) => member.revision);
    assert.equal(new Set(revisions).size, 1, 'revisions differ');
    const hashes = cluster.members.map((member) => hashOf(cluster, member));
    for (const hash of hashes) assert.deepEqual(hash, hashes[0]);
    clients.history.check();
    this.watchers.check(clients.history.writes);
    this.leases.check(this.watchers.history);
    this.checkFatal();
  }

  private idOf(name: string): bigint | undefined {
    return this.cluster.running(name)?.id;
  }

  private oneOf<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)] as T;
  }
}

function hashOf(cluster: MemoryCluster, member: ServerMember): unknown {
  const outcome = cluster.answer((done) => member.hashKv(0, done));
  assert.ok(outcome.ok);
  return outcome.value;
}

/** How long each disk takes. A stalled one answers late, never wrong. */
class ChaosDisks {
  private readonly random: Random;
  private readonly slowMs = new Map<string, number>();

  constructor(random: Random) {
    this.random = random;
  }

  slow(name: string, maxMs: number): void {
    this.slowMs.set(name, maxMs);
  }

  forget(name: string): void {
    this.slowMs.delete(name);
  }

  recover(): void {
    this.slowMs.clear();
  }

  delayMs(name: string, _operation: DiskOperation): number {
    const maxMs = this.slowMs.get(name);
    return maxMs === undefined ? 1 : 1 + this.random.below(maxMs);
  }
}

/** Small windows and batches, so that what is rare in production happens often. */
function anySettings(random: Random): Partial<MemberSettings> {
  const oneOf = <T>(choices: readonly T[]): T => choices[random.below(choices.length)] as T;
  const { raft } = memberSettings(defaultServerConfig());
  return {
    raft: {
      ...raft,
      preVote: random.below(4) > 0,
      maxSizePerMsgBytes: oneOf([1, 200, 5000, raft.maxSizePerMsgBytes]),
      maxInflightMsgs: oneOf([1, 4, 256]),
      maxCommittedBytesPerReady: oneOf([100, 10_000, raft.maxCommittedBytesPerReady]),
      readsMax: oneOf([2, raft.readsMax]),
    },
    snapshotCatchupEntries: oneOf([1, 10, 50, 5000]),
    commitIntervalMs: oneOf([5, 100, 1000]),
    commitRowsMax: oneOf([1, 5, 10_000]),
    compactionBatchLimit: oneOf([5, 30, 1000]),
    compactionSleepIntervalMs: oneOf([1, 5]),
    watchProgressIntervalMs: oneOf([100, 2000, 600_000]),
  };
}
