import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/base/random.ts';
import { mustSucceed } from './client.ts';
import { hashesOf } from './hashes.ts';
import { ChangeRefused, Cluster } from './harness.ts';
import { Load } from './load.ts';
import type { Member } from './member.ts';
import { programNamed } from './programs.ts';
import type { WireObject } from './protocol.ts';

/**
 * Members of a running cluster are added, promoted, removed and replaced at random, under load, with kills in
 * between. A step may be refused; one that is accepted never costs the quorum. `CHANGES_SEED=7` replays the choices
 * (not the moments), `CHANGES_STEPS=50` makes it long, `MEMBERS_PROGRAM=etcd` tests a real etcd.
 */

const program = programNamed(process.env['MEMBERS_PROGRAM'] ?? 'quorate');
const seed = Number(process.env['CHANGES_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const steps = Number(process.env['CHANGES_STEPS'] ?? '12');
const flags = [
  '--heartbeat-interval=50',
  '--election-timeout=500',
  '--snapshot-catchup-entries=50',
];
const votersMax = 5;
const stepTimeoutMs = 30_000;
const progressWrites = 10;
/** After a kill, until the others must have noticed. */
const noticedMs = 1_500;
const promotedMs = 20_000;

type Step = 'addVoter' | 'addLearner' | 'promote' | 'remove' | 'replace' | 'kill' | 'revive';
const stepKinds: readonly Step[] = [
  'addVoter',
  'addLearner',
  'promote',
  'promote',
  'remove',
  'remove',
  'replace',
  'kill',
  'kill',
  'revive',
];

describe(`members: changes at random under load (CHANGES_SEED=${seed})`, function () {
  this.timeout(120_000 + steps * stepTimeoutMs);
  let changes: Changes;

  before(async () => {
    const cluster = await Cluster.start({ program, members: 3, flags });
    changes = new Changes(cluster);
  });
  after(() => changes.end());

  it(`lose nothing in ${steps} steps, and no accepted one costs the quorum`, async () => {
    const { cluster, load } = changes;
    // While they run: a member that is dead cannot be asked.
    for (const member of cluster.members) await cluster.idOf(member);
    load.run();
    await load.progress(progressWrites, stepTimeoutMs);
    for (let step = 0; step < steps; step++) {
      const what = await changes.step();
      await load.progress(progressWrites, stepTimeoutMs).catch((error: unknown) => {
        throw new Error(`after ${changes.done.join('; ')}; ${what}`, { cause: error });
      });
      changes.done.push(what);
    }
    await changes.settle();
    await load.stop();
    assert.deepEqual(load.violations, []);
    for (const member of cluster.members) {
      const wrong = await load.audit(member);
      assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} differences on ${member.name}`);
    }
    const hashes = await hashesOf(cluster);
    assert.equal(new Set(hashes.map(({ hash }) => hash)).size, 1, JSON.stringify(hashes));
    for (const member of cluster.removed) assert.equal(member.isRunning, false, member.name);
    if (process.env['CHANGES_STEPS'] !== undefined) console.log(`      ${changes.done.join('; ')}`);
  });
});

class Changes {
  readonly cluster: Cluster;
  readonly load: Load;
  /** What was done, for the message when something is lost. */
  readonly done: string[] = [];
  private readonly random = seededRandom(seed);
  private readonly learners = new Set<Member>();
  /** Killed, and still a member. */
  private dead: Member | undefined;
  private names = 0;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.load = new Load(cluster, { writers: 3, pauseMs: 5 });
  }

  async end(): Promise<void> {
    await this.load.stop();
    await this.cluster.destroy();
  }

  /** One step at random; answers what it was and what came of it. */
  async step(): Promise<string> {
    const kind = this.oneOf(stepKinds);
    try {
      return `${kind} ${await this.take(kind)}`;
    } catch (error) {
      if (!(error instanceof ChangeRefused)) throw error;
      await this.reconcile(error);
      return `${kind} refused (${error.message})`;
    }
  }

  private take(kind: Step): Promise<string> {
    switch (kind) {
      case 'addVoter':
        return this.add(false);
      case 'addLearner':
        return this.add(true);
      case 'promote':
        return this.promote();
      case 'remove':
        return this.remove(this.oneOf(this.cluster.members));
      case 'replace':
        return this.replace();
      case 'kill':
        return this.kill();
      case 'revive':
        return this.revive();
    }
  }

  private async add(isLearner: boolean): Promise<string> {
    if (this.voters.length >= votersMax && !isLearner) return 'would be too many';
    const member = await this.cluster.addMember(`n${++this.names}`, { isLearner });
    if (isLearner) this.learners.add(member);
    await member.start();
    return member.name;
  }

  private async promote(): Promise<string> {
    const [learner] = this.learners;
    if (learner === undefined) return 'nobody';
    if (learner === this.dead) await this.revive();
    await this.untilAccepted(() => this.cluster.promoteMember(learner));
    this.learners.delete(learner);
    return learner.name;
  }

  /** Also where that would cost the quorum, with one dead: then the cluster must refuse. */
  private async remove(member: Member, votersMin = 3): Promise<string> {
    const isVoter = !this.learners.has(member);
    if (isVoter && this.voters.length <= votersMin) return `${member.name} would leave too few`;
    await this.cluster.removeMember(member);
    this.learners.delete(member);
    if (this.dead === member) this.dead = undefined;
    else {
      const { code } = await member.exited();
      assert.equal(code, 0, `${member.name} was removed: ${member.tail}`);
    }
    return member.name;
  }

  private async replace(): Promise<string> {
    const old = this.dead ?? this.oneOf(this.voters);
    const removed = await this.remove(old, 2);
    const added = await this.untilAccepted(() => this.add(this.learners.size === 0));
    return `${removed} by ${added}`;
  }

  /** Only as many as leave a quorum: what is lost then is not lost by a kill. */
  private async kill(): Promise<string> {
    const running = this.voters.filter((member) => member.isRunning).length;
    const victim = this.oneOf(this.cluster.running);
    const isVoter = !this.learners.has(victim);
    const quorum = (this.voters.length >> 1) + 1;
    if (this.dead !== undefined || (isVoter && running - 1 < quorum)) return 'nobody';
    await victim.kill();
    this.dead = victim;
    await sleep(noticedMs);
    return victim.name;
  }

  private async revive(): Promise<string> {
    const { dead } = this;
    if (dead === undefined) return 'nobody';
    this.dead = undefined;
    await dead.start();
    return dead.name;
  }

  /** A change that failed was not made; one that timed out may have been, and is taken back or taken over. */
  private async reconcile({ message }: Error): Promise<void> {
    const { cluster } = this;
    const client = cluster.client(await cluster.leader());
    const list = mustSucceed(await client.call('Cluster.MemberList', { linearizable: true }));
    const there = new Set((list['members'] as readonly WireObject[]).map(({ ID }) => String(ID)));
    const known = new Map<string, Member>();
    for (const member of cluster.members) known.set(await cluster.idOf(member), member);
    const isMade = there.size !== known.size || [...known.keys()].some((id) => !there.has(id));
    if (!isMade) return;
    assert.match(message, /timed out|leader changed|no answer|stopped|socket|reset/);
    for (const [id, member] of known) {
      if (there.has(id)) continue;
      cluster.forget(member);
      this.learners.delete(member);
      if (this.dead === member) this.dead = undefined;
    }
    for (const ID of there) {
      if (!known.has(ID)) mustSucceed(await client.call('Cluster.MemberRemove', { ID }));
    }
  }

  /** Brings everyone back and makes voters of all, so that all can be asked. */
  async settle(): Promise<void> {
    await this.revive();
    while (this.learners.size > 0) await this.promote();
    await this.load.progress(progressWrites, stepTimeoutMs);
  }

  private async untilAccepted<T>(change: () => Promise<T>): Promise<T> {
    for (const deadline = performance.now() + promotedMs; ; await sleep(200)) {
      try {
        return await change();
      } catch (error) {
        if (!(error instanceof ChangeRefused) || performance.now() > deadline) throw error;
      }
    }
  }

  private get voters(): readonly Member[] {
    return this.cluster.members.filter((member) => !this.learners.has(member));
  }

  private oneOf<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)] as T;
  }
}
