import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { mustSucceed } from './client.ts';
import { hashesOf } from './hashes.ts';
import { Cluster } from './harness.ts';
import { Load } from './load.ts';
import type { Member } from './member.ts';
import { programNamed } from './programs.ts';

/**
 * Real processes under kill -9. What a client was told is written is there afterwards, on every member, whoever
 * was killed. `KILL_ROUNDS=500` makes it long, `MEMBERS_PROGRAM=etcd` puts a real etcd under the same test.
 */

const program = programNamed(process.env['MEMBERS_PROGRAM'] ?? 'quorate');
const rounds = Number(process.env['KILL_ROUNDS'] ?? '20');
const flags = ['--heartbeat-interval=50', '--election-timeout=500'];
const roundTimeoutMs = 30_000;
/** Writes that must be acknowledged while a member is away, and again once it is back. */
const progressWrites = 15;

describe('members: kill -9 under load', function () {
  this.timeout(60_000 + rounds * roundTimeoutMs);
  let cluster: Cluster;
  let load: Load;

  before(async () => {
    cluster = await Cluster.start({ program, members: 3, flags });
    load = new Load(cluster, { writers: 4, pauseMs: 3 });
  });
  after(async () => {
    await load.stop();
    await cluster.destroy();
  });

  /** Stops the load and compares what was acknowledged with what every member says is there. */
  async function audit(): Promise<void> {
    await load.stop();
    assert.deepEqual(load.violations, []);
    for (const member of cluster.members) {
      const wrong = await load.audit(member);
      assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} differences on ${member.name}`);
    }
    const hashes = await hashesOf(cluster);
    const distinct = new Set(
      hashes.map(({ hash, compactRevision }) => `${hash} ${compactRevision}`),
    );
    assert.equal(distinct.size, 1, JSON.stringify(hashes));
  }

  async function victimOf(round: number): Promise<Member> {
    const leader = await cluster.leader();
    const followers = cluster.members.filter((member) => member !== leader);
    return round % 2 === 0 ? leader : (followers[(round >> 1) % followers.length] as Member);
  }

  async function compactSome(): Promise<void> {
    const client = cluster.client(await cluster.leader());
    const newest = mustSucceed(await client.call('KV.Range', { key: Buffer.from('x') }));
    const { revision } = newest['header'] as { readonly revision: string };
    await client.call('KV.Compact', { revision: String(Number(revision) - 10) });
  }

  it(`loses no acknowledged write in ${rounds} rounds, leaders and followers in turn`, async () => {
    load.run();
    for (let round = 0; round < rounds; round++) {
      await load.progress(progressWrites, roundTimeoutMs);
      const victim = await victimOf(round);
      await victim.kill();
      if (round % 5 === 4) await compactSome();
      await load.progress(progressWrites, roundTimeoutMs);
      await victim.start();
    }
    await audit();
  });

  it('loses none when all members are killed at once', async () => {
    load.run();
    await load.progress(progressWrites, roundTimeoutMs);
    await Promise.all(cluster.members.map((member) => member.kill()));
    await cluster.startAll();
    await load.progress(progressWrites, roundTimeoutMs);
    await audit();
  });

  it('shows no stale read on a leader that stood still while another was elected', async () => {
    load.run();
    for (let round = 0; round < 3; round++) {
      await load.progress(progressWrites, roundTimeoutMs);
      const paused = await cluster.leader();
      paused.pause();
      await load.progress(progressWrites, roundTimeoutMs);
      paused.resume();
    }
    await load.progress(progressWrites, roundTimeoutMs);
    await audit();
  });

  it('refuses a member whose data dir is gone, says why, and goes on without it', async () => {
    load.run();
    const victim = await victimOf(1);
    await victim.kill();
    rmSync(victim.settings.dataDir, { recursive: true });
    victim.launch();
    const { code } = await victim.exited(roundTimeoutMs);
    assert.equal(code, 1);
    // etcd's words, and ours.
    assert.match(victim.tail, /has already been bootstrapped|has another data dir/);
    await load.progress(progressWrites, roundTimeoutMs);
    await load.stop();
    for (const member of cluster.running) assert.deepEqual(await load.audit(member), []);
    assert.equal(cluster.running.length, 2);
  });
});
