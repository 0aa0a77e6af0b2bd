import assert from 'node:assert/strict';
import { emptyBytes, utf8 } from '../../src/base/bytes.ts';
import type { ServerMember } from '../../src/server/member.ts';
import type { DiskOperation } from '../../src/storage/memory-operation.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { CompactionRequest, RangeRequest } from '../../src/wire/kv.ts';
import { MemoryCluster, type DiskPolicy } from './cluster.ts';

/** A member that is so far behind that it gets the store itself, with other work of its own under way. */

const catchupEntries = 10;

interface Behind {
  readonly cluster: MemoryCluster;
  readonly leader: ServerMember;
  /** It has just begun to receive the snapshot. */
  readonly back: ServerMember;
  readonly name: string;
}

async function oneBehind(diskMs: DiskPolicy = () => 1): Promise<Behind> {
  const settings = { snapshotCatchupEntries: catchupEntries };
  const cluster = await MemoryCluster.start(3, { settings, diskMs });
  cluster.until('a leader', () => cluster.leader !== undefined);
  const { leader } = cluster;
  assert.ok(leader !== undefined);
  const follower = cluster.members.find((member) => member !== leader);
  assert.ok(follower !== undefined);
  for (let i = 0; i < 20; i++) assert.ok(cluster.put(leader, 'before', `${i}`).ok);
  const name = cluster.nameOf(follower);
  cluster.crash(name);
  for (let i = 0; i < 60; i++) assert.ok(cluster.put(leader, `k${i % 10}`, `${i}`).ok);
  cluster.advance(200);
  const back = await cluster.startMember(name);
  return { cluster, leader, back, name };
}

function caughtUp({ cluster, leader, back }: Behind): void {
  cluster.until('it has caught up', () => back.revision === leader.revision);
}

describe('a snapshot', function () {
  this.timeout(20_000);

  it('leaves a member that can take part in everything', async () => {
    const behind = await oneBehind();
    const { cluster, leader, back } = behind;
    caughtUp(behind);
    for (let i = 0; i < 30; i++) assert.ok(cluster.put(leader, 'after', `${i}`).ok);
    const moved = cluster.answer<undefined>((done) => leader.moveLeader(back.id, done));
    assert.ok(moved.ok);
    for (let i = 0; i < 30; i++) assert.ok(cluster.put(back, 'after', `${i}`).ok);
    caughtUp(behind);
    assert.deepEqual(cluster.fatal, []);
  });

  it('waits for a log that is slow to write', async () => {
    let slowName = '';
    const behind = await oneBehind((name, { kind, path }: DiskOperation) =>
      name === slowName && kind === 'batch' && path.includes('/log-') ? 4000 : 1,
    );
    slowName = behind.name;
    caughtUp(behind);
    assert.deepEqual(behind.cluster.fatal, []);
  });

  it('leaves no call without an answer that was under way when it came', async () => {
    for (let delayMs = 0; delayMs < 60; delayMs += 3) {
      const behind = await oneBehind();
      const { cluster, leader, back } = behind;
      let answers = 0;
      const count = (): void => void answers++;
      const request = CompactionRequest.encode({ revision: leader.revision - 5 });
      assert.ok(cluster.answer((done) => leader.propose(CommandKind.compact, request, done)).ok);
      cluster.advance(delayMs);
      back.hashKv(0, count);
      back.hash(count);
      back.hashKv(0, count);
      back.whenCompacted(count);
      caughtUp(behind);
      cluster.until('all answers', () => answers === 4);
      assert.ok(cluster.answer((done) => back.hashKv(0, done)).ok);
      assert.deepEqual(cluster.fatal, []);
    }
  });

  it('keeps reads waiting while it takes the place of the store', async () => {
    const behind = await oneBehind((_, { kind }) => (kind === 'batch' ? 20 : 1));
    const { cluster, leader, back } = behind;
    const told: string[] = [];
    let asked = 0;
    const range = RangeRequest.create({ key: utf8('k'), rangeEnd: utf8('l'), serializable: true });
    for (let ms = 0; back.revision !== leader.revision; ms++) {
      assert.ok(ms < 20_000, 'it catches up');
      cluster.advance(1);
      for (const request of [range, { ...range, rangeEnd: emptyBytes }]) {
        asked++;
        back.whenReadable((readable) => {
          assert.ok(readable.ok);
          back.range(request, (read) => void told.push(read.ok ? 'read' : read.error.text));
        });
      }
    }
    cluster.until('all are told', () => told.length === asked);
    assert.deepEqual([...new Set(told)], ['read']);
    assert.deepEqual(cluster.fatal, []);
  });

  it('lets the member stop at any moment of it', async () => {
    for (let delayMs = 0; delayMs < 60; delayMs++) {
      const { cluster, back, name } = await oneBehind();
      cluster.advance(delayMs);
      let isStopped = false;
      back.stop(() => (isStopped = true));
      cluster.until('the end', () => isStopped);
      cluster.crash(name);
      const again = await cluster.startMember(name);
      cluster.until('it has caught up', () => again.revision === cluster.leader?.revision);
      assert.deepEqual(cluster.fatal, []);
    }
  });
});
