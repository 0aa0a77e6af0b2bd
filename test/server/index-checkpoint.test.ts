import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.ts';
import type { Logger } from '../../src/host/logger.ts';
import { AppliedStateLoader } from '../../src/server/applied-state.ts';
import type { AppliedState } from '../../src/server/applied-state.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { openDataDir } from '../../src/storage/data-dir-open.ts';
import type { MemoryDisk } from '../../src/storage/memory-disk.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { CompactionRequest, DeleteRangeRequest, PutRequest } from '../../src/wire/kv.ts';
import { LeaseGrantRequest } from '../../src/wire/lease.ts';
import { described } from '../mvcc/described.ts';
import { MemoryCluster, bytesOf, dataDirPath } from './cluster.ts';

/** A start that goes on from a checkpoint of the index comes to what a start that reads all rows comes to. */

const storeFolder = `${dataDirPath}/store-000001`;
const file = `${storeFolder}/index-checkpoint`;
const intervalMs = 1_000;
const verifyAfterMs = 300;
const name = 'm1';

const settings = {
  indexCheckpoint: { rowsMin: 1, intervalMs, verifyAfterMs, stopLimitMs: 5_000 },
  snapshotCatchupEntries: 10,
};

interface World {
  readonly cluster: MemoryCluster;
  readonly told: string[];
}

async function world(members = 1): Promise<World> {
  const told: string[] = [];
  const logger: Logger = { log: (_level, message) => void told.push(message) };
  const cluster = await MemoryCluster.start(members, { settings, logger });
  cluster.until('a leader', () => cluster.leader !== undefined);
  return { cluster, told };
}

function leaderOf({ cluster }: World): ServerMember {
  cluster.until('a leader', () => cluster.leader !== undefined);
  const { leader } = cluster;
  assert.ok(leader !== undefined);
  return leader;
}

/** Writes of every kind: versions, deletions, leases of keys that come and go, now and then a compaction. */
function write(of: World, from: number, to: number): void {
  const { cluster } = of;
  const member = leaderOf(of);
  const propose = (kind: CommandKind, request: Uint8Array): void => {
    cluster.answer((done) => member.propose(kind, request, done));
  };
  for (let i = from; i < to; i++) {
    const key = bytesOf(`k${(i * 7) % 30}`);
    const lease = BigInt(1 + (i % 3));
    if (i % 10 === 0)
      propose(CommandKind.leaseGrant, LeaseGrantRequest.encode({ id: lease, ttl: 1000 }));
    if (i % 4 === 3) propose(CommandKind.deleteRange, DeleteRangeRequest.encode({ key }));
    else {
      const leased = i % 3 === 0 ? { lease } : {};
      propose(CommandKind.put, PutRequest.encode({ key, value: bytesOf(`${i}`), ...leased }));
    }
    if (i % 40 === 39) {
      propose(CommandKind.compact, CompactionRequest.encode({ revision: member.revision - 20 }));
    }
  }
}

interface Opened {
  readonly state: AppliedState;
  readonly revision: number | undefined;
  readonly ignored: string | undefined;
}

/** Opens the data of a member that does not run, with its checkpoint or without. */
async function opened(disk: MemoryDisk, withCheckpoint: boolean): Promise<Opened> {
  disk.schedule = (operation) => queueMicrotask(() => operation.complete());
  const loader = new AppliedStateLoader();
  const dataDir = await openDataDir({
    path: dataDirPath,
    disk,
    scheduler: {
      nowMs: () => 0,
      after: () => ({ cancel: () => undefined }),
      endOfTurn: queueMicrotask,
    },
    fatal: (error) => assert.fail(error),
    reserveBytes: 0,
    onRows: (rows, state) => loader.feed(rows, state),
    ...(withCheckpoint && { checkpoint: loader.checkpoint }),
  });
  const ignored = loader.checkpoint.ignoredReason;
  const state = loader.finish(dataDir.store, dataDir.store);
  await new Promise<void>((resolve) => dataDir.close(resolve));
  return { state, revision: loader.checkpointRevision, ignored };
}

function everything({ revisions, leases }: AppliedState): unknown {
  const attachments = [...leases.attachments()].sort(([a], [b]) => (a < b ? -1 : 1));
  const { revision, compactRevision } = revisions;
  return { revision, compactRevision, index: described(revisions.index), attachments };
}

async function mustBeSame(disk: MemoryDisk): Promise<Opened> {
  const without = await opened(disk, false);
  const withIt = await opened(disk, true);
  assert.deepEqual(everything(withIt.state), everything(without.state));
  return withIt;
}

describe('An index checkpoint', function () {
  this.timeout(60_000);

  it('is what all rows make, wherever the member ends after it', async () => {
    let used = 0;
    for (let writes = 0; writes < 120; writes += 17) {
      const of = await world();
      write(of, 0, 100);
      of.cluster.advance(intervalMs + 500);
      write(of, 100, 100 + writes);
      of.cluster.crash(name);
      const { revision } = await mustBeSame(of.cluster.diskOf(name));
      if (revision !== undefined) used++;
    }
    assert.ok(used >= 2, `used in ${used} cases`);
  });

  it('is gone on from, and compared with the rows afterwards', async () => {
    const of = await world();
    const { cluster, told } = of;
    write(of, 0, 100);
    cluster.advance(intervalMs + 500);
    assert.ok(told.includes('wrote an index checkpoint'));
    cluster.crash(name);
    const member = await cluster.startMember(name);
    assert.equal(member.revision, 101 - 0 - lostDeletes(100));
    cluster.advance(5_000);
    assert.ok(told.includes('the index is what the rows of the store say'));
    assert.deepEqual(cluster.fatal, []);
  });

  it('is written by a planned stop', async () => {
    const of = await world();
    write(of, 0, 30);
    let isDone = false;
    leaderOf(of).saveIndex(() => void (isDone = true));
    of.cluster.until('the checkpoint', () => isDone, 900);
    of.cluster.stop(name);
    of.cluster.advance(50);
    const { revision } = await mustBeSame(of.cluster.diskOf(name));
    assert.notEqual(revision, undefined);
  });

  it('is ignored, and removed, when any byte of it is wrong or its end is missing', async () => {
    const of = await world();
    write(of, 0, 25);
    of.cluster.advance(intervalMs + 500);
    of.cluster.crash(name);
    const disk = of.cluster.diskOf(name);
    const right = disk.fs.readFile(file);
    assert.ok(right !== undefined);
    const expected = everything((await opened(disk, false)).state);
    const isIgnored = async (wrong: Uint8Array, what: string): Promise<void> => {
      disk.fs.plant(file, wrong);
      const { state, ignored, revision } = await opened(disk, true);
      assert.deepEqual([revision, typeof ignored], [undefined, 'string'], what);
      assert.deepEqual(everything(state), expected, what);
      assert.equal(disk.fs.readFile(file), undefined, what);
    };
    for (let at = 0; at < right.length; at += at < 200 ? 1 : 5) {
      const wrong = right.slice();
      wrong[at] = (wrong[at] ?? 0) ^ (1 << (at % 8));
      await isIgnored(wrong, `byte ${at}`);
    }
    for (let length = 0; length < right.length; length += 31) {
      await isIgnored(right.slice(0, length), `${length} bytes`);
    }
    await isIgnored(new Uint8Array([...right, 0]), 'a byte too many');
    disk.fs.plant(file, right);
    assert.notEqual((await opened(disk, true)).revision, undefined);
  });

  it('of a store that is older than it, or of another, is ignored', async () => {
    const [one, other] = [await world(), await world()];
    write(one, 0, 30);
    one.cluster.advance(intervalMs + 500);
    write(other, 0, 10);
    one.cluster.crash(name);
    other.cluster.advance(500);
    other.cluster.crash(name);
    const disk = other.cluster.diskOf(name);
    const newer = one.cluster.diskOf(name).fs.readFile(file);
    assert.ok(newer !== undefined);
    disk.fs.plant(file, newer);
    assert.match((await mustBeSame(disk)).ignored ?? '', /newer than the store/);
  });

  it('that is not what the rows say ends the member, and the next start reads all rows', async () => {
    const of = await world();
    const { cluster } = of;
    write(of, 0, 30);
    cluster.advance(intervalMs + 500);
    cluster.crash(name);
    const rows = cluster.diskOf(name).rowsOf(storeFolder);
    assert.ok(rows !== undefined);
    const lost = [...rows.keys()].sort().find((key) => key.charCodeAt(0) === 0x10);
    assert.ok(lost !== undefined);
    rows.delete(lost);
    await cluster.startMember(name);
    cluster.advance(3_000);
    assert.match(cluster.fatal[0] ?? '', /is not what the store holds/);
    cluster.crash(name);
    await assert.rejects(cluster.startMember(name), /The store is damaged/);
  });

  it('goes with the store that a snapshot replaces', async () => {
    const of = await world(3);
    const { cluster } = of;
    const follower = cluster.names.find((each) => cluster.running(each) !== leaderOf(of)) ?? '';
    write(of, 0, 40);
    cluster.advance(intervalMs + 500);
    const disk = cluster.diskOf(follower);
    assert.notEqual(disk.fs.readFile(file), undefined);
    cluster.crash(follower);
    write(of, 40, 100);
    const back = await cluster.startMember(follower);
    cluster.until('it has caught up', () => back.revision === leaderOf(of).revision);
    cluster.advance(200);
    assert.equal(disk.fs.list(storeFolder), undefined);
    cluster.advance(intervalMs + 500);
    cluster.crash(follower);
    await cluster.startMember(follower);
    cluster.advance(5_000);
    assert.deepEqual(cluster.fatal, []);
  });

  it('does no harm wherever the power goes while it is written', async () => {
    const random = seededRandom(5);
    for (let round = 0; round < 40; round++) {
      const of = await world();
      write(of, 0, 30);
      of.cluster.advance(intervalMs - 200);
      write(of, 30, 45);
      leaderOf(of).saveIndex(() => undefined);
      of.cluster.advance(round);
      const chance = (): boolean => random.below(2) === 0;
      of.cluster.crash(name, chance, chance);
      await mustBeSame(of.cluster.diskOf(name));
    }
  });

  it('is given up on a full disk, and the member goes on', async () => {
    const of = await world();
    const { cluster, told } = of;
    write(of, 0, 30);
    cluster.diskOf(name).freeBytes = 70 * 1024 * 1024;
    cluster.advance(100);
    cluster.diskOf(name).freeBytes = 40 * 1024 * 1024;
    cluster.advance(2 * intervalMs);
    assert.ok(!told.includes('wrote an index checkpoint'));
    assert.deepEqual(cluster.fatal, []);
    cluster.crash(name);
    await mustBeSame(cluster.diskOf(name));
  });
});

/** Of `writes` of `write`, deletions of keys that are not there. */
function lostDeletes(writes: number): number {
  const live = new Set<number>();
  let lost = 0;
  for (let i = 0; i < writes; i++) {
    const key = (i * 7) % 30;
    if (i % 4 !== 3) live.add(key);
    else if (!live.delete(key)) lost++;
  }
  return lost;
}
