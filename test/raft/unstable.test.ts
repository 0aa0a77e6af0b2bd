import assert from 'node:assert/strict';
import { Unstable } from '../../src/raft/unstable.ts';
import { entriesOf } from './support/messages.ts';
import type { Entry } from '../../src/raft/types.ts';

/** What is held in memory until it is on disk, while several batches are on their way there. */

function take(unstable: Unstable): readonly Entry[] {
  const entries = unstable.takeEntries();
  const last = entries.at(-1);
  unstable.inFlight.push({
    hardState: undefined,
    firstIndex: entries[0]?.index ?? 0,
    lastIndex: last?.index ?? 0,
    lastTerm: last?.term ?? 0,
    snapshot: undefined,
  });
  return entries;
}

function terms(unstable: Unstable): readonly number[] {
  return unstable.entries.map(({ term }) => term);
}

describe('the unstable log', () => {
  it('hands each entry to one batch, and forgets it when that is on disk', () => {
    const unstable = new Unstable(5);
    unstable.replaceFrom(entriesOf([2, 2], 5));
    assert.equal(take(unstable).length, 2);
    unstable.replaceFrom(entriesOf([2], 7));
    assert.deepEqual(take(unstable), entriesOf([2], 7));
    assert.equal(take(unstable).length, 0);

    unstable.completed();
    assert.equal(unstable.offset, 7);
    unstable.completed();
    assert.equal(unstable.offset, 8);
    assert.deepEqual(terms(unstable), []);
  });

  it('keeps what a later batch will write again, up to the last of them (the ABA race)', () => {
    const unstable = new Unstable(3);
    unstable.replaceFrom(entriesOf([2, 2], 3));
    take(unstable);
    unstable.replaceFrom(entriesOf([3, 3], 3));
    take(unstable);
    unstable.replaceFrom(entriesOf([2, 2], 3));
    take(unstable);

    unstable.completed();
    assert.deepEqual(
      terms(unstable),
      [2, 2],
      'the first batch wrote the same, the second undoes it',
    );
    unstable.completed();
    assert.deepEqual(terms(unstable), [2, 2], 'now the disk holds entries of term 3');
    unstable.completed();
    assert.deepEqual(terms(unstable), []);
  });

  it('keeps what was overwritten since, even before a batch has taken it', () => {
    const unstable = new Unstable(3);
    unstable.replaceFrom(entriesOf([2, 2, 2], 3));
    take(unstable);
    unstable.replaceFrom(entriesOf([3], 4));
    unstable.completed();
    assert.equal(unstable.offset, 4, 'index 3 is settled, index 4 is about to be replaced');
    assert.deepEqual(terms(unstable), [3]);
  });

  it('is replaced whole by a snapshot, and by a second one before the first is installed', () => {
    const meta = (index: number): NonNullable<Unstable['snapshot']> => ({
      index,
      term: 4,
      confState: {
        voters: [1n],
        votersOutgoing: [],
        learners: [],
        learnersNext: [],
        autoLeave: false,
      },
    });
    const install = (): void => {
      const snapshot = unstable.takeSnapshot();
      unstable.inFlight.push({
        hardState: undefined,
        firstIndex: 0,
        lastIndex: 0,
        lastTerm: 0,
        snapshot,
      });
    };
    const unstable = new Unstable(3);
    unstable.replaceFrom(entriesOf([2, 2], 3));
    unstable.restore(meta(50));
    install();
    unstable.restore(meta(90));
    install();
    unstable.completed();
    assert.equal(unstable.snapshot?.index, 90, 'the first is in place, the second is not');
    unstable.completed();
    assert.equal(unstable.snapshot, undefined);
    assert.equal(unstable.offset, 91);
  });
});
