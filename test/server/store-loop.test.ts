import assert from 'node:assert/strict';
import { encodeRowKey } from '../../src/mvcc/revision.ts';
import { StoreLoop } from '../../src/server/store-loop.ts';
import type { StateStore, StoreBatch, StoreState } from '../../src/storage/types.ts';
import { ManualScheduler } from '../peer/manual-scheduler.ts';

const state: StoreState = {
  appliedIndex: 1,
  appliedTerm: 1,
  revision: 1,
  compactRevision: -1,
  scheduledCompaction: -1,
  confState: { voters: [1n], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
};

describe('the store loop', () => {
  it('keeps the store free of commits while it tells of the end of one', () => {
    const scheduler = new ManualScheduler();
    let ending: (() => void) | undefined;
    const store: Pick<StateStore, 'commit'> = {
      commit: (_batch: StoreBatch, done) => {
        assert.equal(ending, undefined, 'one commit at a time');
        ending = () => {
          ending = undefined;
          done();
        };
      },
    };
    const loop: StoreLoop = new StoreLoop(store as StateStore, {
      scheduler,
      intervalMs: 100,
      rowsMax: 1,
      currentState: () => state,
      logSyncedIndex: () => 1,
      // What had waited for room is applied at once, and fills the next commit.
      onCommitted: () => loop.add([row], []),
      commitTook: () => undefined,
      arenaBytesMax: 0,
    });
    const row = { key: encodeRowKey(2, 0, false), value: new Uint8Array(1) };
    let told = 0;
    const check = (): void => {
      told++;
      assert.equal(loop.isCommitting, false);
      // As a slice of a compaction does.
      loop.delete([row.key]);
    };
    loop.add([], []);
    loop.flush(() => undefined);
    loop.flush(check);
    loop.flush(check);
    ending?.();
    ending?.();
    assert.equal(told, 2);
    assert.equal(loop.isCommitting, true);
  });
});
