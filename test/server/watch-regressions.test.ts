import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.ts';
import { FaultyLinks } from '../../src/peer/memory-links.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { CompactionRequest, DeleteRangeRequest } from '../../src/wire/kv.ts';
import {
  EventHistory,
  eventsOf,
  type WatchEvent,
  type WatchRequest,
} from '../guarantees/history.ts';
import { RecordedWatch } from '../guarantees/recorded.ts';
import { checkWatchers } from '../guarantees/watch-checks.ts';
import { bytesOf, MemoryCluster, type ClusterOptions } from './cluster.ts';
import { RecordedStream, type StreamWatch } from './recorded-stream.ts';

/** What went wrong with watches in etcd, by the number of the issue, on whole members in memory. */

const everything: WatchRequest = {
  key: '\0',
  rangeEnd: '',
  startRevision: 0,
  prevKv: true,
  noPut: false,
  noDelete: false,
};

/** A client that takes what it is told, unless it is told to hold it up. */
class Client {
  readonly stream: RecordedStream;
  readonly watches: StreamWatch[] = [];
  isHesitant = false;
  compactedMax = 0;

  constructor(member: ServerMember) {
    this.stream = new RecordedStream(member, {
      hesitates: () => this.isHesitant,
      compactedMax: () => this.compactedMax,
      told: () => undefined,
    });
  }

  watch(request: Partial<WatchRequest>): StreamWatch {
    const watch = new RecordedWatch<RecordedStream>({ ...everything, ...request });
    this.watches.push(watch);
    this.stream.watch(watch, undefined, false);
    return watch;
  }

  /** Every watch is a watcher of its own; what each was told must be true. */
  check(history: EventHistory): void {
    const watchers = this.watches.map((watch, i) => ({ name: `watch ${i}`, watches: [watch] }));
    assert.deepEqual(checkWatchers(watchers, history).slice(0, 10), []);
    assert.deepEqual(this.stream.violations, []);
  }
}

async function clusterOf(size: number, options?: ClusterOptions): Promise<MemoryCluster> {
  const cluster = await MemoryCluster.start(size, options);
  cluster.until('a leader', () => cluster.leader !== undefined);
  return cluster;
}

function leaderOf(cluster: MemoryCluster): ServerMember {
  const { leader } = cluster;
  assert.ok(leader !== undefined);
  return leader;
}

function put(cluster: MemoryCluster, count: number, key = 'k'): void {
  for (let i = 0; i < count; i++) assert.ok(cluster.put(leaderOf(cluster), key, `${i}`).ok);
}

function remove(cluster: MemoryCluster, key: string): void {
  const leader = leaderOf(cluster);
  const request = DeleteRangeRequest.encode({ key: bytesOf(key) });
  assert.ok(cluster.answer((done) => leader.propose(CommandKind.deleteRange, request, done)).ok);
}

function compact(cluster: MemoryCluster, revision: number): void {
  const leader = leaderOf(cluster);
  const request = CompactionRequest.encode({ revision });
  assert.ok(cluster.answer((done) => leader.propose(CommandKind.compact, request, done)).ok);
}

function compactPhysically(cluster: MemoryCluster, revision: number): void {
  compact(cluster, revision);
  let isDone = false;
  leaderOf(cluster).whenCompacted(() => (isDone = true));
  cluster.until('the end of the compaction', () => isDone);
}

function revisionsOf(watch: StreamWatch): readonly number[] {
  return eventsOf(watch).map(({ kv }) => kv.modRevision);
}

function typesOf(events: readonly WatchEvent[]): readonly string[] {
  return events.map(({ type, kv }) => `${type} ${kv.modRevision}`);
}

function upTo(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function truth(cluster: MemoryCluster, client: Client): EventHistory {
  cluster.until('everything is told', () => {
    client.stream.requestProgress();
    return client.watches.every((watch) => watch.toldRevision >= leaderOf(cluster).revision);
  });
  return EventHistory.seenBy([{ name: 'truth', watches: client.watches }]);
}

describe('watch: progress (etcd #15220)', () => {
  it('is told neither ahead of events that a slow client has not taken, nor behind those it has', async () => {
    const cluster = await clusterOf(1);
    const client = new Client(leaderOf(cluster));
    const watch = client.watch({});
    put(cluster, 1);
    client.isHesitant = true;
    put(cluster, 5);
    for (let i = 0; i < 20; i++) {
      client.stream.requestProgress();
      cluster.advance(50);
    }
    assert.deepEqual(
      watch.notices.filter(({ type }) => type === 'progress'),
      [],
    );
    client.isHesitant = false;
    client.stream.resume();
    client.check(truth(cluster, client));
    assert.deepEqual(revisionsOf(watch), upTo(2, 7));
  });

  it('comes also for a watch of the past for which nothing has happened (etcd #17507)', async () => {
    const cluster = await clusterOf(1);
    put(cluster, 20);
    const client = new Client(leaderOf(cluster));
    const watch = client.watch({ key: 'nobody', rangeEnd: undefined, startRevision: 3 });
    cluster.until('progress', () => {
      client.stream.requestProgress();
      return watch.toldRevision === 21;
    });
  });

  it('asked for at any moment of a busy stream speaks for all that was told', async () => {
    const cluster = await clusterOf(1);
    const leader = leaderOf(cluster);
    const client = new Client(leader);
    client.watch({ startRevision: 1 });
    for (let i = 0; i < 60; i++) {
      leader.propose(
        CommandKind.deleteRange,
        DeleteRangeRequest.encode({ key: bytesOf('k') }),
        () => undefined,
      );
      put(cluster, 1);
      client.watch({ startRevision: 1 + (i % 7) * 5, key: 'k', rangeEnd: undefined });
      client.stream.requestProgress();
      cluster.advance(i % 4);
      client.stream.requestProgress();
    }
    client.check(truth(cluster, client));
  });
});

interface Behind {
  readonly cluster: MemoryCluster;
  readonly links: FaultyLinks;
  readonly follower: ServerMember;
}

/** A follower that is cut off, with room in the logs for ten entries. */
async function cutOff(): Promise<Behind> {
  const links = new FaultyLinks(seededRandom(1));
  const settings = { snapshotCatchupEntries: 10 };
  const cluster = await clusterOf(3, { links, settings });
  put(cluster, 9);
  const leader = leaderOf(cluster);
  const follower = cluster.members.find((member) => member !== leader);
  assert.ok(follower !== undefined);
  cluster.until('the follower has it', () => follower.revision === leader.revision);
  return { cluster, links, follower };
}

function cutWhilePutting({ cluster, links, follower }: Behind, count: number): void {
  const others = cluster.members.filter((member) => member !== follower);
  links.partition(
    [follower.id],
    others.map(({ id }) => id),
  );
  put(cluster, count);
  cluster.advance(500);
  links.heal();
  cluster.until('it has caught up', () => follower.revision === leaderOf(cluster).revision);
}

describe('watch: a member that is sent the store (etcd #15271)', () => {
  it('goes on where it was: nothing twice, nothing missed, nothing from the past', async () => {
    const behind = await cutOff();
    const { cluster, follower } = behind;
    const client = new Client(follower);
    const now = client.watch({});
    const past = client.watch({ startRevision: 5 });
    const quiet = client.watch({ key: 'nobody', rangeEnd: undefined });
    cluster.advance(500);
    cutWhilePutting(behind, 100);
    put(cluster, 5);
    const history = truth(cluster, client);
    client.check(history);
    assert.deepEqual(revisionsOf(now), upTo(11, 115));
    assert.deepEqual(revisionsOf(past), upTo(5, 115));
    assert.equal(quiet.toldRevision, 115);
    assert.deepEqual(cluster.fatal, []);
  });

  it('tells a watch that now lies behind a compaction so', async () => {
    const behind = await cutOff();
    const { cluster, links, follower } = behind;
    const client = new Client(follower);
    const watch = client.watch({});
    const others = cluster.members.filter((member) => member !== follower);
    links.partition(
      [follower.id],
      others.map(({ id }) => id),
    );
    put(cluster, 100);
    compact(cluster, 60);
    client.compactedMax = 60;
    cluster.advance(500);
    links.heal();
    cluster.until('the cancellation', () => watch.stream === undefined);
    assert.deepEqual(watch.notices.at(-1), { type: 'canceled', revision: 0, compactRevision: 60 });
    assert.deepEqual(revisionsOf(watch), []);
  });
});

describe('watch: the future of a member that is sent the store (etcd #20221)', () => {
  it('begins where it was asked to: no older event, no older progress', async () => {
    const behind = await cutOff();
    const { cluster, follower } = behind;
    const client = new Client(follower);
    const soon = client.watch({ startRevision: 60 });
    const later = client.watch({ startRevision: 113 });
    cutWhilePutting(behind, 100);
    for (let i = 0; i < 10; i++) {
      client.stream.requestProgress();
      cluster.advance(100);
    }
    assert.deepEqual(revisionsOf(soon), upTo(60, 110));
    assert.deepEqual(later.notices, [{ type: 'created', revision: 10 }]);
    put(cluster, 5);
    client.check(truth(cluster, client));
    assert.deepEqual(revisionsOf(later), upTo(113, 115));
  });
});

describe('watch: rows on their way to the disk (etcd #17247)', () => {
  it('are told once, read from memory or from the store', async () => {
    for (const slowMs of [1, 7, 40]) {
      const settings = { commitIntervalMs: 5, commitRowsMax: 3 };
      const diskMs = (): number => slowMs;
      const cluster = await clusterOf(1, { settings, diskMs });
      const client = new Client(leaderOf(cluster));
      for (let i = 0; i < 40; i++) {
        put(cluster, 1, `k${i % 3}`);
        cluster.advance(i % 5);
        client.watch({ startRevision: 1 + (i % 10) });
        client.watch({ startRevision: 1 + ((i * 7) % 20) });
      }
      client.check(truth(cluster, client));
      for (const watch of client.watches) {
        assert.deepEqual(revisionsOf(watch), upTo(Math.max(2, watch.request.startRevision), 41));
      }
    }
  });
});

describe('watch: a stream that starves while history is compacted (etcd #17529)', () => {
  it('cancels every watch that fell behind, and skips nothing in silence', async () => {
    const cluster = await clusterOf(1);
    put(cluster, 50);
    const client = new Client(leaderOf(cluster));
    client.isHesitant = true;
    // More than are brought up to date at once.
    for (let i = 0; i < 1200; i++) client.watch({ startRevision: 2 + (i % 45), key: 'k' });
    put(cluster, 10);
    compact(cluster, 55);
    client.compactedMax = 55;
    put(cluster, 10);
    client.isHesitant = false;
    const open = (): readonly StreamWatch[] =>
      client.watches.filter(({ stream }) => stream !== undefined);
    cluster.until('all is told', () => {
      client.stream.resume();
      client.stream.requestProgress();
      return open().every((watch) => watch.toldRevision === 71);
    });
    for (const watch of client.watches) {
      const told = revisionsOf(watch);
      assert.deepEqual(
        told,
        upTo(watch.request.startRevision, told.at(-1) ?? 0).slice(0, told.length),
      );
      if (watch.stream !== undefined) {
        assert.deepEqual(told, upTo(watch.request.startRevision, 71));
        continue;
      }
      const last = watch.notices.at(-1);
      assert.deepEqual(last, { type: 'canceled', revision: 0, compactRevision: 55 });
    }
    assert.ok(open().length < client.watches.length, 'none fell behind');
  });
});

describe('watch: a deletion at the revision of a compaction (etcd #18089)', () => {
  it('is told to who watches from there, before and after a restart', async () => {
    const cluster = await clusterOf(1);
    put(cluster, 3);
    remove(cluster, 'k');
    put(cluster, 1);
    compactPhysically(cluster, 5);
    const check = (): void => {
      const client = new Client(leaderOf(cluster));
      client.compactedMax = 5;
      const watch = client.watch({ startRevision: 5, key: 'k', rangeEnd: undefined });
      truth(cluster, client);
      assert.deepEqual(typesOf(eventsOf(watch)), ['delete 5', 'put 6']);
    };
    check();
    cluster.advance(1000);
    cluster.crash('m1');
    await cluster.startMember('m1');
    cluster.until('a leader', () => cluster.leader !== undefined);
    check();
    assert.deepEqual(cluster.fatal, []);
  });
});

describe('watch: a compaction that a crash cuts short (etcd #19179)', () => {
  it('counts at once after the restart: who watches below it is told so, and nothing is left out', async () => {
    for (let delayMs = 0; delayMs < 240; delayMs += 6) {
      const settings = {
        commitIntervalMs: 10,
        compactionBatchLimit: 1,
        compactionSleepIntervalMs: 10,
      };
      const cluster = await clusterOf(1, { settings });
      for (const key of ['a', 'b', 'c', 'd', 'e']) put(cluster, 2, key);
      remove(cluster, 'a');
      remove(cluster, 'b');
      const newest = leaderOf(cluster).revision;
      compact(cluster, newest);
      cluster.advance(delayMs);
      cluster.crash('m1', () => delayMs % 12 === 0);
      await cluster.startMember('m1');
      cluster.until('a leader', () => cluster.leader !== undefined);
      const client = new Client(leaderOf(cluster));
      const below = client.watch({ startRevision: newest - 1 });
      const at = client.watch({ startRevision: newest });
      cluster.until('an end for the one below', () => below.stream === undefined);
      const canceled = { type: 'canceled', revision: 0, compactRevision: newest };
      assert.deepEqual(below.notices.slice(1), [canceled], `${delayMs} ms`);
      put(cluster, 1, 'f');
      cluster.until('two events', () => eventsOf(at).length >= 2);
      assert.deepEqual(typesOf(eventsOf(at)), [`delete ${newest}`, `put ${newest + 1}`]);
      assert.deepEqual(cluster.fatal, []);
    }
  });
});
