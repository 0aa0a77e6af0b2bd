import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { mustSucceed } from './client.ts';
import { Cluster } from './harness.ts';
import type { Member } from './member.ts';
import { programNamed } from './programs.ts';

/**
 * Real processes whose election timeout is so long that what happens before it is over happens for another reason:
 * the end of a process shows to those who had links with it, silence does not.
 */

const electionTimeoutMs = 10_000;
const flags = ['--heartbeat-interval=100', `--election-timeout=${electionTimeoutMs}`];
/** On a busy machine; on an idle one a tenth of a second is enough. */
const soonMs = electionTimeoutMs / 2;
const pauseMs = 3_000;

describe('members: the end of a leader', function () {
  this.timeout(120_000);
  let cluster: Cluster;

  beforeEach(async () => {
    cluster = await Cluster.start({ program: programNamed('quorate'), members: 3, flags });
  });
  afterEach(() => cluster.destroy());

  const termOf = async (member: Member): Promise<number> => {
    const status = mustSucceed(await cluster.client(member).call('Maintenance.Status', {}));
    return Number(status['raftTerm']);
  };

  /** How long a follower takes until it has written something. */
  const untilWrittenMs = async (member: Member): Promise<number> => {
    const startedMs = performance.now();
    const request = { key: Buffer.from('k'), value: Buffer.from(member.name) };
    for (;;) {
      const answer = await cluster.client(member).call('KV.Put', request, { deadlineMs: soonMs });
      const tookMs = performance.now() - startedMs;
      if (answer.ok) return tookMs;
      assert.ok(tookMs < 3 * electionTimeoutMs, `${member.name} writes nothing`);
    }
  };

  for (const [what, end] of [
    ['is killed', (leader: Member) => leader.kill()],
    ['is told to stop', (leader: Member) => leader.stop()],
  ] as const) {
    it(`followers write again at once when it ${what}, and it is taken back`, async () => {
      for (let round = 0; round < 2; round++) {
        const leader = await cluster.leader();
        const followers = cluster.members.filter((member) => member !== leader);
        await end(leader);
        const tookMs = await Promise.all(followers.map(untilWrittenMs));
        assert.ok(Math.max(...tookMs) < soonMs, `it took ${tookMs.join(' and ')} ms`);
        await leader.start();
        assert.ok((await untilWrittenMs(leader)) < soonMs);
      }
    });
  }

  it('is not what a leader comes to that stands still', async () => {
    const leader = await cluster.leader();
    const term = await termOf(leader);
    leader.pause();
    await sleep(pauseMs);
    leader.resume();
    assert.equal(await cluster.leader(), leader);
    assert.equal(await termOf(leader), term);
  });
});
