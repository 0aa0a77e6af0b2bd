import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashesOf } from './hashes.ts';
import { ChangeRefused, Cluster } from './harness.ts';
import { Load } from './load.ts';
import type { Member } from './member.ts';
import { programNamed } from './programs.ts';

/**
 * Three real processes are replaced one by one under load, until none of the first three is left: what a client was
 * told is written is there afterwards, on every member.
 */

const program = programNamed(process.env['MEMBERS_PROGRAM'] ?? 'quorate');
const flags = [
  '--heartbeat-interval=50',
  '--election-timeout=500',
  '--snapshot-catchup-entries=50',
];
const progressMs = 30_000;
/** A change is refused while members are not in touch yet, and a learner is behind. */
const acceptedMs = 30_000;

describe('members: replaced one by one under load', function () {
  this.timeout(240_000);
  let cluster: Cluster;
  let load: Load;

  before(async () => {
    cluster = await Cluster.start({ program, members: 3, flags });
    load = new Load(cluster, { writers: 3, pauseMs: 3 });
  });
  after(async () => {
    await load.stop();
    await cluster.destroy();
  });

  async function untilAccepted<T>(change: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + acceptedMs;
    for (;;) {
      try {
        return await change();
      } catch (error) {
        if (!(error instanceof ChangeRefused) || performance.now() > deadline) throw error;
        await sleep(200);
      }
    }
  }

  it('as learners that are promoted; the leader goes first', async () => {
    const first = [...cluster.members];
    load.run();
    await load.progress(200, progressMs);
    for (let i = 0; i < first.length; i++) {
      const joiner = await untilAccepted(() =>
        cluster.addMember(`n${i + 1}`, { isLearner: i % 2 === 0 }),
      );
      await joiner.start();
      if (i % 2 === 0) await untilAccepted(() => cluster.promoteMember(joiner, otherThan(joiner)));
      const leader = await cluster.leader();
      const old = first.includes(leader)
        ? leader
        : (first.find((member) => cluster.members.includes(member)) as Member);
      await untilAccepted(() => cluster.removeMember(old, i === 0 ? old : undefined));
      const { code } = await old.exited();
      assert.equal(code, 0, old.tail);
      assert.match(logOf(old), /the member has been permanently removed from the cluster/);
      await load.progress(100, progressMs);
    }
    await load.stop();
    assert.deepEqual(load.violations, []);
    assert.equal(cluster.members.filter((member) => first.includes(member)).length, 0);
    for (const member of cluster.members) {
      const wrong = await load.audit(member);
      assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} differences on ${member.name}`);
    }
    const hashes = await hashesOf(cluster);
    assert.equal(new Set(hashes.map(({ hash }) => hash)).size, 1, JSON.stringify(hashes));
  });

  it('a removed member that is started again on its old data refuses to run', async () => {
    const [old] = cluster.removed;
    assert.ok(old !== undefined);
    old.launch();
    const { code } = await old.exited(30_000);
    if (program.label !== 'etcd') {
      assert.equal(code, 1);
      assert.match(old.tail, /permanently removed .* --initial-cluster-state=existing/);
    }
    load.run();
    await load.progress(50, progressMs);
    await load.stop();
  });

  /** The newest output alone may have lost the line among others. */
  function logOf(member: Member): string {
    return readFileSync(member.settings.logFile, 'utf8');
  }

  function otherThan(member: Member): Member {
    return cluster.running.find((each) => each !== member) as Member;
  }
});
