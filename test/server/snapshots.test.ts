import assert from 'node:assert/strict';
import { emptyConfState } from '../../src/raft/configuration.ts';
import type { Message } from '../../src/raft/types.ts';
import { Snapshots, type SnapshotParts } from '../../src/server/snapshots.ts';

describe('server/snapshots', () => {
  it('sends a snapshot in the term in which it was wanted, however long the store is flushed', () => {
    const flushes: (() => void)[] = [];
    const sent: Message[] = [];
    const state = { appliedIndex: 5, appliedTerm: 2, confState: emptyConfState };
    const parts = {
      id: 1n,
      storeLoop: { flush: (done: () => void) => flushes.push(done) },
      dataDir: { store: { openImage: () => ({ state }) } },
      transport: () => ({ sendSnapshot: (message: Message) => sent.push(message) }),
      // Another member leads by now.
      term: () => 4,
    };
    const snapshots = new Snapshots(parts as unknown as SnapshotParts);
    snapshots.wanted(2n, 3);
    for (const done of flushes) done();
    assert.deepEqual(
      sent.map(({ type, to, term }) => [type, to, term]),
      [['MsgSnap', 2n, 3]],
    );
  });
});
