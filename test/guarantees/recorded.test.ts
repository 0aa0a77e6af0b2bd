import assert from 'node:assert/strict';
import { RecordedWatch, RecordedWatcher } from './recorded.ts';

describe('a recorded watch', () => {
  const all = { key: 'a', rangeEnd: 'b', prevKv: false, noPut: false, noDelete: false };

  it('is told of what progress speaks for', () => {
    const watch = new RecordedWatch({ ...all, startRevision: 0 });
    watch.notices.push({ type: 'created', revision: 7 });
    assert.equal(watch.toldRevision, 0);
    watch.notices.push({ type: 'progress', revision: 9 });
    assert.equal(watch.toldRevision, 9);
  });

  it('misses nothing when it is resumed behind the last revision, of which no progress will ever tell', () => {
    const watcher = new RecordedWatcher('w', { ...all, startRevision: 1 });
    watcher
      .next()
      .notices.push({ type: 'created', revision: 19 }, { type: 'progress', revision: 19 });
    const resumed = watcher.next();
    assert.equal(resumed.request.startRevision, 20);
    assert.equal(resumed.toldRevision, 0, 'it is not created yet');
    resumed.notices.push({ type: 'created', revision: 19 });
    assert.equal(resumed.toldRevision, 19);
  });
});
