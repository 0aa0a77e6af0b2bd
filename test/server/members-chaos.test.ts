import assert from 'node:assert/strict';
import { seededRandom, type Random } from '../../src/base/random.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { errors, type Outcome } from '../../src/wire/errors.ts';
import { MemoryCluster } from './cluster.ts';

/**
 * Members are added, promoted and removed at random, and crash in between. A step that was accepted never costs the
 * quorum, and nothing that was acknowledged is lost. `MEMBERS_SEEDS=200` makes it long, `MEMBERS_SEED=n` runs one.
 */

const firstSeed = Number(process.env['MEMBERS_SEED'] ?? '1');
const seeds =
  process.env['MEMBERS_SEED'] === undefined ? Number(process.env['MEMBERS_SEEDS'] ?? '6') : 1;
const stepsPerSeed = 40;
const membersMax = 6;

/** What a change may be refused with: the cluster is as it was, and the next step is tried. */
const refusals: ReadonlySet<string> = new Set([
  errors.memberNotEnoughStarted.text,
  errors.unhealthy.text,
  errors.tooManyLearners.text,
  errors.learnerNotReady.text,
  errors.memberNotLearner.text,
]);

class ChangingWorld {
  readonly cluster: MemoryCluster;
  private readonly random: Random;
  private readonly written = new Map<string, string>();
  private crashed: string | undefined;
  private sequence = 0;
  /** Names of members by id, for those that run or could. */
  private readonly steps: string[] = [];

  constructor(cluster: MemoryCluster, seed: number) {
    this.cluster = cluster;
    this.random = seededRandom(seed);
  }

  get story(): string {
    return this.steps.join('\n');
  }

  async step(): Promise<void> {
    const kinds = ['add', 'learner', 'promote', 'remove', 'remove', 'crash'] as const;
    const kind = this.pick(kinds);
    switch (kind) {
      case 'add':
      case 'learner':
        return this.add(kind === 'learner');
      case 'promote':
        return this.promote();
      case 'remove':
        return this.remove();
      case 'crash':
        return this.crash();
    }
  }

  /** The cluster takes a write, which proves that the quorum is there. */
  write(): void {
    const key = `k${++this.sequence}`;
    for (let attempt = 0; ; attempt++) {
      const outcome = this.cluster.put(this.leader(), key, key);
      if (outcome.ok) break;
      assert.ok(attempt < 5, `no write is taken: ${outcome.error.text}\n${this.story}`);
    }
    this.written.set(key, key);
  }

  async settle(): Promise<void> {
    await this.restart();
    const leader = this.leader();
    this.cluster.until(`all have everything\n${this.story}`, () =>
      this.alive().every(({ revision }) => revision === leader.revision),
    );
    for (const member of this.alive()) {
      for (const key of this.written.keys()) {
        const found = this.cluster.local(member, key);
        assert.ok(found.ok && found.value.count === 1, `${key} is lost\n${this.story}`);
      }
      assert.deepEqual(member.record, leader.record);
    }
    for (const reason of this.cluster.fatal)
      assert.match(reason, /permanently removed/, this.story);
  }

  private async add(isLearner: boolean): Promise<void> {
    if (this.leader().record.length >= membersMax) return;
    const name = `n${++this.sequence}`;
    const via = this.anyone();
    const outcome = this.cluster.addMember(via, `http://${name}:1`, isLearner);
    if (!this.isTaken(`add ${name} ${isLearner}`, outcome) || !outcome.ok) return;
    await this.cluster.joinMember(name, outcome.value.added.id);
    this.write();
    this.cluster.until(`${name} is published\n${this.story}`, () =>
      this.leader().record.some((each) => each.name === name),
    );
  }

  private promote(): void {
    const learner = this.leader().record.find(({ isLearner }) => isLearner);
    if (learner === undefined) return;
    const via = this.anyone();
    const outcome = this.cluster.answer((done) => via.promoteMember(learner.id, done));
    this.isTaken(`promote ${learner.name}`, outcome);
  }

  private remove(): void {
    const member = this.pick(this.leader().record);
    const via = this.anyone();
    const outcome = this.cluster.answer((done) => via.removeMember(member.id, done));
    if (!this.isTaken(`remove ${member.name} by ${this.cluster.nameOf(via)}`, outcome)) return;
    if (this.crashed === member.name) this.crashed = undefined;
    const isRunning = this.cluster.members.some(({ id }) => id === member.id);
    if (!isRunning) return;
    // By its own log, or, cut off before that, because the others tell it.
    const { removed, failed } = this.cluster;
    this.cluster.until(
      `${member.name} has stopped\n${this.story}`,
      () => removed.includes(member.name) || failed.has(member.name),
    );
    if (failed.has(member.name)) this.cluster.stop(member.name);
  }

  /** One is down at a time; whoever was is started again first. */
  private async crash(): Promise<void> {
    await this.restart();
    if (this.leader().record.filter(({ isLearner }) => !isLearner).length < 3) return;
    const victim = this.pick(this.alive());
    this.crashed = this.cluster.nameOf(victim);
    this.steps.push(`crash ${this.crashed}`);
    this.cluster.crash(this.crashed);
  }

  private async restart(): Promise<void> {
    const { crashed } = this;
    this.crashed = undefined;
    if (crashed === undefined) return;
    this.steps.push(`restart ${crashed}`);
    await this.cluster.startMember(crashed);
  }

  private isTaken(what: string, outcome: Outcome<unknown>): boolean {
    this.steps.push(`${what}: ${outcome.ok ? 'ok' : outcome.error.text}`);
    if (!outcome.ok) assert.ok(refusals.has(outcome.error.text), this.story);
    return outcome.ok;
  }

  private leader(): ServerMember {
    // Two may think so for a moment, of whom the one of the higher term is right.
    const leaders = (): readonly ServerMember[] =>
      this.alive()
        .filter(({ isLeader }) => isLeader)
        .sort((a, b) => b.term - a.term);
    this.cluster.until(`a leader\n${this.story}`, () => leaders().length > 0);
    return leaders()[0] as ServerMember;
  }

  private alive(): readonly ServerMember[] {
    return this.cluster.members.filter(
      (member) => member.record.length === 0 || member.record.some(({ id }) => id === member.id),
    );
  }

  /** A learner serves no changes. */
  private anyone(): ServerMember {
    this.leader();
    return this.pick(this.alive().filter(({ isLearner }) => !isLearner));
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.random.below(from.length)] as T;
  }
}

describe('members that come and go at random', function () {
  this.timeout(20_000 + seeds * 20_000);

  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    it(`seed ${seed}`, async () => {
      const settings = { snapshotCatchupEntries: seed % 2 === 0 ? 5 : 5_000 };
      const world = new ChangingWorld(await MemoryCluster.start(3, { settings }), seed);
      world.write();
      world.cluster.advance(1_000);
      for (let i = 0; i < stepsPerSeed; i++) {
        await world.step();
        world.write();
      }
      await world.settle();
    });
  }
});
