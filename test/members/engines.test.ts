import assert from 'node:assert/strict';
import type { EngineName } from '../../src/grpc/engines.ts';
import { hashesOf } from './hashes.ts';
import { Cluster } from './harness.ts';
import { Load } from './load.ts';
import { quorateOn } from './programs.ts';

/** The two gRPC engines understand one another: members may run different ones, and change one by one. */

const flags = ['--heartbeat-interval=50', '--election-timeout=500'];
const progressWrites = 15;
const progressTimeoutMs = 30_000;

describe('members: engines of gRPC', function () {
  this.timeout(120_000);
  let cluster: Cluster;
  after(() => cluster.destroy());

  it('members on different engines are one cluster, and change theirs one by one under load', async () => {
    const before: readonly EngineName[] = ['fast', 'grpc-js', 'grpc-js'];
    cluster = await Cluster.create({ program: quorateOn('grpc-js'), members: 3, flags });
    for (const [i, member] of cluster.members.entries()) {
      member.becomes(quorateOn(before[i] as EngineName));
    }
    await cluster.startAll();
    const load = new Load(cluster, { writers: 3, pauseMs: 3 });
    load.run();
    for (const [i, member] of cluster.members.entries()) {
      await load.progress(progressWrites, progressTimeoutMs);
      await member.stop();
      member.becomes(quorateOn(before[i] === 'fast' ? 'grpc-js' : 'fast'));
      await member.start();
    }
    await load.progress(progressWrites, progressTimeoutMs);
    await load.stop();
    assert.deepEqual(load.violations, []);
    for (const member of cluster.members) assert.deepEqual(await load.audit(member), []);
    const hashes = new Set((await hashesOf(cluster)).map(({ hash }) => hash));
    assert.equal(hashes.size, 1);
  });
});
