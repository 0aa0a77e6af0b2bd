import assert from 'node:assert/strict';
import { CommandKind } from '../../src/wire/command.ts';
import { CompactionRequest, DeleteRangeRequest } from '../../src/wire/kv.ts';
import { sampleOf } from '../api/services.ts';
import { bytesOf, MemoryCluster } from './cluster.ts';
import { leaderOf, send } from './member-calls.ts';

describe('the metrics of space', () => {
  it('count what was put, compacted, defragmented and hashed', async () => {
    const cluster = await MemoryCluster.start(1);
    const member = leaderOf(cluster);
    const of = (name: string): number | undefined => {
      const metrics = cluster.metrics.get('m1');
      return metrics === undefined ? undefined : sampleOf(metrics, name);
    };
    assert.equal(of('etcd_debugging_mvcc_total_put_size_in_bytes'), 0);
    for (let i = 0; i < 10; i++) assert.ok(cluster.put(member, 'k', 'x'.repeat(100)).ok);
    const putBytes = of('etcd_debugging_mvcc_total_put_size_in_bytes') ?? 0;
    assert.ok(putBytes > 1000 && putBytes < 1500, `${putBytes} bytes`);
    const deletion = DeleteRangeRequest.encode({ key: bytesOf('k') });
    assert.equal(send(cluster, member, CommandKind.deleteRange, deletion), 'ok');
    assert.equal(
      of('etcd_debugging_mvcc_total_put_size_in_bytes'),
      putBytes,
      'a tombstone is no put',
    );

    const compaction = CompactionRequest.encode({ revision: 10 });
    assert.equal(send(cluster, member, CommandKind.compact, compaction), 'ok');
    cluster.advance(1000);
    assert.equal(of('etcd_debugging_mvcc_db_compaction_keys_total'), 8);
    assert.equal(of('etcd_debugging_mvcc_db_compaction_total_duration_milliseconds_count'), 1);

    let isDone = false;
    member.defragment(() => (isDone = true));
    assert.equal(of('etcd_disk_defrag_inflight'), 1);
    cluster.until('it is defragmented', () => isDone);
    assert.equal(of('etcd_disk_defrag_inflight'), 0);
    assert.equal(of('etcd_disk_backend_defrag_duration_seconds_count'), 1);

    assert.ok(cluster.answer<unknown>((done) => member.hashKv(0, done)).ok);
    assert.ok(cluster.answer<unknown>((done) => member.hash(done)).ok);
    assert.equal(of('etcd_mvcc_hash_rev_duration_seconds_count'), 1);
    assert.equal(of('etcd_mvcc_hash_duration_seconds_count'), 1);
  });
});
