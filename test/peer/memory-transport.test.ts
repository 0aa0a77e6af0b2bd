import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.ts';
import { FaultyLinks, perfectLinks, type LinkPolicy } from '../../src/peer/memory-links.ts';
import { MemoryNetwork } from '../../src/peer/memory-transport.ts';
import type { MemberId } from '../../src/raft/types.ts';
import type { Transport } from '../../src/peer/types.ts';
import { ManualScheduler } from './manual-scheduler.ts';
import {
  addressOf,
  CountingSink,
  heartbeat,
  identityOf,
  PatternSource,
  RecordingEvents,
  snapshotMessage,
} from './recording-events.ts';

const ids: readonly MemberId[] = [1n, 2n, 3n];

function cluster(links: LinkPolicy = perfectLinks) {
  const scheduler = new ManualScheduler();
  const network = new MemoryNetwork(scheduler, links);
  const start = (id: MemberId): { events: RecordingEvents; transport: Transport } => {
    const events = new RecordingEvents();
    const transport = network.join(identityOf(id), events);
    transport.setPeers(ids.filter((other) => other !== id).map((other) => addressOf(other)));
    return { events, transport };
  };
  const [one, two, three] = ids.map(start) as [Started, Started, Started];
  return { scheduler, network, start, one, two, three };
}
type Started = { events: RecordingEvents; transport: Transport };

describe('peer/memory-transport', () => {
  it('delivers the messages of one send to one member together, in order, in a later turn', () => {
    const { scheduler, one, two, three } = cluster();
    one.transport.send([heartbeat(1n, 2n, 5), heartbeat(1n, 3n, 6), heartbeat(1n, 2n, 7)]);
    assert.deepEqual(two.events.messages, []);
    scheduler.advance(0);
    assert.deepEqual(two.events.messages, [heartbeat(1n, 2n, 5), heartbeat(1n, 2n, 7)]);
    assert.deepEqual(two.events.batches, [2]);
    assert.deepEqual(three.events.messages, [heartbeat(1n, 3n, 6)]);
    assert.deepEqual([...two.transport.activePeers(100)], [1n]);
    scheduler.advance(200);
    assert.deepEqual([...two.transport.activePeers(100)], []);
  });

  it('says once a turn that a member which is not there is unreachable, and never re-entrantly', () => {
    const { scheduler, one, two } = cluster();
    two.transport.close(() => undefined);
    one.transport.send([heartbeat(1n, 2n, 1), heartbeat(1n, 2n, 2)]);
    assert.deepEqual(one.events.unreachables, []);
    scheduler.advance(0);
    assert.deepEqual(one.events.unreachables, [2n]);
  });

  it('shows the end of a member to those whom it was linked with, cut links aside', () => {
    const links = new FaultyLinks(seededRandom(1));
    const { scheduler, one, two, three } = cluster(links);
    links.cut(3n, 2n);
    three.transport.close(() => undefined);
    assert.deepEqual(one.events.ends, []);
    scheduler.advance(0);
    assert.deepEqual(one.events.ends, [3n]);
    assert.deepEqual(two.events.ends, []);
  });

  it('loses what was under way to a member that stopped, also when it starts again', () => {
    const links = new FaultyLinks(seededRandom(1));
    links.delayMinMs = links.delayMaxMs = 10;
    const { scheduler, start, one, two } = cluster(links);
    one.transport.send([heartbeat(1n, 2n, 1)]);
    two.transport.close(() => undefined);
    const again = start(2n);
    scheduler.advance(20);
    assert.deepEqual(again.events.messages, []);
    one.transport.send([heartbeat(1n, 2n, 2)]);
    scheduler.advance(20);
    assert.equal(again.events.messages.length, 1);
  });

  it('cuts links in one direction or between groups, in silence or aloud, and heals them', () => {
    const silent = new FaultyLinks(seededRandom(1));
    const { scheduler, one, two, three } = cluster(silent);
    silent.cut(1n, 2n);
    one.transport.send([heartbeat(1n, 2n, 1)]);
    two.transport.send([heartbeat(2n, 1n, 2)]);
    scheduler.advance(0);
    assert.deepEqual([two.events.messages.length, one.events.messages.length], [0, 1]);
    assert.deepEqual(one.events.unreachables, []);
    silent.heal();
    silent.partition([1n, 2n], [3n]);
    one.transport.send([heartbeat(1n, 2n, 3), heartbeat(1n, 3n, 3)]);
    scheduler.advance(0);
    assert.deepEqual([two.events.messages.length, three.events.messages.length], [1, 0]);

    const loud = new FaultyLinks(seededRandom(1), { isSilent: false });
    const other = cluster(loud);
    loud.cut(1n, 2n);
    other.one.transport.send([heartbeat(1n, 2n, 1)]);
    other.scheduler.advance(0);
    assert.deepEqual(other.one.events.unreachables, [2n]);
  });

  it('repeats the same losses, doubles and overtakings from the same seed', () => {
    const run = (seed: number): number[] => {
      const links = new FaultyLinks(seededRandom(seed));
      links.delayMaxMs = 50;
      links.lossPerMille = 200;
      links.doublePerMille = 200;
      const { scheduler, one, two } = cluster(links);
      for (let i = 0; i < 200; i++) one.transport.send([heartbeat(1n, 2n, i)]);
      scheduler.advance(100);
      return two.events.messages.map((m) => (m.type === 'MsgHeartbeat' ? m.commit : -1));
    };
    const arrived = run(7);
    assert.deepEqual(arrived, run(7));
    assert.notDeepEqual(arrived, run(8));
    assert.ok(new Set(arrived).size < 200, 'some are lost');
    assert.ok(new Set(arrived).size < arrived.length, 'some come twice');
    assert.ok(
      arrived.some((commit, i) => commit < (arrived[i - 1] ?? -1)),
      'some overtake',
    );
  });

  it('refuses a member under a known id with another data dir, once and for good', () => {
    const { scheduler, network, one, two } = cluster();
    two.transport.close(() => undefined);
    const events = new RecordingEvents();
    const wiped = network.join({ ...identityOf(2n), incarnation: 9n }, events);
    wiped.setPeers([{ ...addressOf(1n), incarnation: undefined }]);
    for (let i = 0; i < 3; i++) {
      wiped.send([heartbeat(2n, 1n, i)]);
      one.transport.send([heartbeat(1n, 2n, i)]);
      scheduler.advance(0);
    }
    const [own] = events.refusals;
    assert.match(own?.reason ?? '', /^member 2 has another data dir than the cluster knows it by/);
    assert.deepEqual(events.refusals, [{ memberId: 1n, reason: own?.reason, isFinal: true }]);
    assert.deepEqual(one.events.refusals, [{ memberId: 2n, reason: own?.reason, isFinal: false }]);
    assert.deepEqual([events.messages, one.events.messages], [[], []]);
  });

  it('streams a snapshot chunk by chunk and acknowledges it once the sink has', () => {
    const { scheduler, one, two } = cluster();
    const sink = new CountingSink((done) => void scheduler.after(5, done));
    two.events.sink = sink;
    const source = new PatternSource(1_000_000);
    one.transport.sendSnapshot(snapshotMessage(1n, 2n), source);
    scheduler.advance(5);
    assert.ok(source.readBytes < 1_000_000, 'no chunk is read before the last one is written');
    scheduler.advance(100);
    assert.deepEqual(one.events.sent, [[2n, true]]);
    assert.deepEqual([sink.sizeBytes, sink.isInOrder, sink.outcome], [1_000_000, true, 'ended']);
    assert.deepEqual(two.events.offers[0]?.snapshot.index, 77);
    assert.equal(source.closes, 1);
  });

  it('reports a snapshot that fails, exactly once, and aborts its sink', () => {
    const cases: Record<string, (c: ReturnType<typeof cluster>, links: FaultyLinks) => void> = {
      'the sink stalls': () => undefined,
      'the link breaks': (_c, links) => links.cut(1n, 2n),
      'the receiver stops': (c) => c.two.transport.close(() => undefined),
    };
    for (const [name, fault] of Object.entries(cases)) {
      const links = new FaultyLinks(seededRandom(1));
      const c = cluster(links);
      const writes: (() => void)[] = [];
      const sink = new CountingSink((done) => void writes.push(done));
      c.two.events.sink = sink;
      const source = new PatternSource(1_000_000);
      c.one.transport.sendSnapshot(snapshotMessage(1n, 2n), source);
      c.scheduler.advance(0);
      fault(c, links);
      if (name !== 'the sink stalls') writes.shift()?.();
      c.scheduler.advance(60_000);
      assert.deepEqual(c.one.events.sent, [[2n, false]], name);
      assert.deepEqual([sink.outcome, source.closes], ['aborted', 1], name);
    }
  });

  it('refuses a second snapshot to a member while one is under way, and one its shell refuses', () => {
    const { scheduler, one, two } = cluster();
    two.events.sink = new CountingSink((done) => void scheduler.after(5, done));
    one.transport.sendSnapshot(snapshotMessage(1n, 2n), new PatternSource(600_000));
    const second = new PatternSource(1);
    one.transport.sendSnapshot(snapshotMessage(1n, 2n), second);
    scheduler.advance(100);
    assert.deepEqual(one.events.sent, [
      [2n, false],
      [2n, true],
    ]);
    assert.equal(second.closes, 1);
    two.events.sink = 'busy';
    one.transport.sendSnapshot(snapshotMessage(1n, 2n), new PatternSource(1));
    scheduler.advance(100);
    assert.deepEqual(one.events.sent[2], [2n, false]);
  });
});
