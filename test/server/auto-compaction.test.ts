import assert from 'node:assert/strict';
import { silentLogger } from '../../src/host/logger.ts';
import { AutoCompaction, type AutoCompactionPolicy } from '../../src/server/auto-compaction.ts';
import { errors, failed, ok, type EtcdError, type Outcome } from '../../src/wire/errors.ts';
import { ManualScheduler } from '../peer/manual-scheduler.ts';
import { MemoryCluster } from './cluster.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

type Policy = Exclude<AutoCompactionPolicy, { readonly mode: 'off' }>;

/** A member whose revision rises by one each minute unless a test says otherwise; its compactions are written down. */
class World {
  readonly scheduler = new ManualScheduler();
  readonly compactions: { readonly minute: number; readonly revision: number }[] = [];
  isLeader = true;
  error: EtcdError | undefined;
  revision = (): number => 1 + this.minute;
  /** Asked for and not answered, when answers are held back. */
  readonly held: ((outcome: Outcome<unknown>) => void)[] = [];
  holdsBack = false;
  private readonly compaction: AutoCompaction;

  constructor(policy: Policy) {
    this.compaction = new AutoCompaction(policy, {
      scheduler: this.scheduler,
      logger: silentLogger,
      revision: () => this.revision(),
      isLeader: () => this.isLeader,
      compact: (revision, done) => {
        this.compactions.push({ minute: this.minute, revision });
        if (this.holdsBack) this.held.push(done);
        else done(this.error === undefined ? ok(undefined) : failed(this.error));
      },
    });
    this.compaction.start();
  }

  get minute(): number {
    return this.scheduler.nowMs() / minuteMs;
  }

  stop(): void {
    this.compaction.stop();
  }

  /** The compactions of the next so many minutes as `minute:revision`. */
  next(minutes: number): readonly string[] {
    const before = this.compactions.length;
    this.scheduler.advance(minutes * minuteMs);
    return this.compactions.slice(before).map(({ minute, revision }) => `${minute}:${revision}`);
  }
}

const periodic = (periodMs: number): World => new World({ mode: 'periodic', periodMs });

describe('periodic compaction (etcd v3compactor/periodic.go)', () => {
  it('of an hour keeps the last hour, and compacts every hour', () => {
    const world = periodic(hourMs);
    assert.deepEqual(world.next(59), [], 'nothing in the first period');
    assert.deepEqual(world.next(1), ['60:1']);
    // What was seen a period and one look ago: the newest look is taken after a compaction, not before.
    assert.deepEqual(world.next(180), ['120:55', '180:115', '240:175']);
  });

  it('of more than an hour compacts every hour too, but only after a whole period', () => {
    const world = periodic(3 * hourMs);
    assert.deepEqual(world.next(179), []);
    assert.deepEqual(world.next(121), ['180:1', '240:55', '300:115']);
  });

  it('of less than an hour compacts once a period', () => {
    const world = periodic(10 * minuteMs);
    assert.deepEqual(world.next(30), ['10:1', '20:10', '30:20']);
  });

  it('tries again after a tenth of the period when it failed, to a later revision by then', () => {
    const world = periodic(hourMs);
    world.error = errors.timeout;
    assert.deepEqual(world.next(72), ['60:1', '66:1', '72:7']);
    world.error = undefined;
    assert.deepEqual(world.next(6), ['78:13']);
    assert.deepEqual(world.next(59), [], 'the next one is due an hour after the success');
    assert.deepEqual(world.next(1), ['138:73']);
  });

  it('takes "already compacted" for done', () => {
    const world = periodic(hourMs);
    world.error = errors.compacted;
    assert.deepEqual(world.next(119), ['60:1']);
  });

  it('leaves a member alone to which nothing is written', () => {
    const world = periodic(hourMs);
    world.revision = () => 5;
    world.next(1);
    assert.deepEqual(world.next(600), ['60:1', '120:5']);
  });

  it('is for the leader: who comes to lead compacts at once what is old enough', () => {
    const world = periodic(hourMs);
    world.isLeader = false;
    assert.deepEqual(world.next(300), []);
    world.isLeader = true;
    assert.deepEqual(world.next(6), ['306:241']);
  });

  it('waits for the answer before it looks again', () => {
    const world = periodic(hourMs);
    world.holdsBack = true;
    assert.deepEqual(world.next(300), ['60:1']);
    world.holdsBack = false;
    world.held.pop()?.(ok(undefined));
    assert.deepEqual(world.next(59), []);
    assert.deepEqual(world.next(1).length, 1);
  });

  it('ends with the member', () => {
    const world = periodic(hourMs);
    world.stop();
    assert.deepEqual(world.next(600), []);
  });
});

describe('compaction by revisions (etcd v3compactor/revision.go)', () => {
  it('keeps so many, and looks every five minutes', () => {
    const world = new World({ mode: 'revision', revisions: 100 });
    assert.deepEqual(world.next(99), []);
    assert.deepEqual(world.next(11), ['100:1', '105:6', '110:11']);
    world.revision = () => 500;
    assert.deepEqual(world.next(60), ['115:400'], 'not twice to the same revision');
  });

  it('is for the leader, and tries again when it failed', () => {
    const world = new World({ mode: 'revision', revisions: 10 });
    world.isLeader = false;
    assert.deepEqual(world.next(60), []);
    world.isLeader = true;
    world.revision = () => 50;
    world.error = errors.timeout;
    assert.deepEqual(world.next(10), ['65:40', '70:40']);
  });
});

describe('automatic compaction of members', () => {
  it('is done once, by the leader, and on all of them', async () => {
    const settings = { autoCompaction: { mode: 'revision' as const, revisions: 5 } };
    const cluster = await MemoryCluster.start(3, { settings });
    cluster.until('a leader', () => cluster.leader !== undefined);
    const leader = cluster.leader;
    assert.ok(leader !== undefined);
    for (let i = 0; i < 20; i++) assert.ok(cluster.put(leader, 'k', `${i}`).ok);
    assert.equal(leader.revision, 21);
    cluster.advance(6 * minuteMs);
    const compacted = cluster.members.map((member) => member.status().compactRevision);
    assert.deepEqual(compacted, [16, 16, 16]);
    assert.deepEqual(cluster.fatal, []);
  });
});
