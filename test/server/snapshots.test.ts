import assert from 'node:assert/strict';
import { emptyConfState } from '../../src/raft/configuration.ts';
import type { Message, SnapshotMeta } from '../../src/raft/types.ts';
import { Snapshots, type SnapshotParts } from '../../src/server/snapshots.ts';

/** A leader of term 3 whose store takes its time; `now.term` moves on as the test says. */
function leader() {
  const flushes: (() => void)[] = [];
  const sent: Message[] = [];
  const reported: [bigint, boolean][] = [];
  const now = { term: 3 };
  const state = { appliedIndex: 5, appliedTerm: 2, confState: emptyConfState };
  const parts = {
    id: 1n,
    storeLoop: { flush: (done: () => void) => flushes.push(done) },
    dataDir: {
      store: { openImage: () => ({ state }) },
      receiveImage: () => ({}),
    },
    transport: () => ({ sendSnapshot: (message: Message) => sent.push(message) }),
    raftLoop: () => ({
      reportSnapshot: (to: bigint, isDelivered: boolean) => reported.push([to, isDelivered]),
    }),
    term: () => now.term,
  };
  const snapshots = new Snapshots(parts as unknown as SnapshotParts);
  const flushed = (): void => {
    for (const done of flushes.splice(0)) done();
  };
  return { snapshots, now, sent, reported, flushed };
}

/** A follower of term 3 whose Raft takes every snapshot; `installed` ends the reading of what one has brought. */
function follower() {
  const installed: (() => void)[] = [];
  const hardState = { term: 3, vote: 0n, commit: 0 };
  const parts = {
    id: 2n,
    storeLoop: { isCommitting: false },
    dataDir: {
      receiveImage: () => ({ finish: (done: (refused: undefined) => void) => done(undefined) }),
      install: (_writer: unknown, _hardState: unknown, done: () => void) => done(),
    },
    term: () => 3,
    pendingIndex: () => 5,
    raftLoop: () => ({ received: () => undefined }),
    beforeInstall: () => undefined,
    installed: (_snapshot: SnapshotMeta, done: () => void) => void installed.push(done),
  };
  return { snapshots: new Snapshots(parts as unknown as SnapshotParts), installed, hardState };
}

describe('server/snapshots', () => {
  it('takes no other snapshot before what the last one brought is read', () => {
    const { snapshots, installed, hardState } = follower();
    const snapshot = { index: 5, term: 3, confState: emptyConfState };
    const sink = snapshots.offered(1n, snapshot, 3);
    assert.ok(typeof sink === 'object');
    sink.end(() => undefined);
    snapshots.accepted(snapshot, hardState);
    assert.equal(snapshots.offered(1n, snapshot, 3), 'another snapshot is arriving already');
    for (const done of installed) done();
    assert.equal(typeof snapshots.offered(1n, snapshot, 3), 'object');
  });

  it('sends a snapshot in the term in which it was wanted', () => {
    const { snapshots, sent, flushed } = leader();
    snapshots.wanted(2n, 3);
    flushed();
    assert.deepEqual(
      sent.map(({ type, to, term }) => [type, to, term]),
      [['MsgSnap', 2n, 3]],
    );
  });

  it('sends none when another term has come while the store was flushed', () => {
    const { snapshots, now, sent, reported, flushed } = leader();
    snapshots.wanted(2n, 3);
    now.term = 4;
    flushed();
    assert.deepEqual(sent, []);
    assert.deepEqual(reported, [[2n, false]]);
    assert.equal(snapshots.heldIndex, Number.MAX_SAFE_INTEGER);
  });

  it('refuses one that is of a later term than its message', () => {
    const { snapshots } = leader();
    const snapshot = { index: 5, term: 4, confState: emptyConfState };
    assert.equal(snapshots.offered(2n, snapshot, 3), 'a snapshot of term 4 comes in term 3');
    assert.equal(typeof snapshots.offered(2n, { ...snapshot, term: 3 }, 3), 'object');
  });
});
