import assert from 'node:assert/strict';
import type { Json } from '../types.ts';
import { HistoryBuilder, historyOf } from './history-builder.ts';
import { fragmentsName, watch } from './watch.ts';

type Notice = { readonly type: string; readonly [name: string]: Json };

function event(revision: number, key = 'a'): Json {
  const kv = { value: `${revision}`, createRevision: revision, modRevision: revision, version: 1 };
  return { type: 'put', key: `${key}${revision}`, kv: { ...kv, lease: '0' } };
}

function events(...revisions: readonly number[]): Notice {
  const last = revisions.at(-1) ?? 0;
  return {
    type: 'events',
    revision: last,
    isFragment: false,
    events: revisions.map((r) => event(r)),
  };
}

const created: Notice = { type: 'created', revision: 1 };
const all = Array.from({ length: 15 }, (_, i) => i + 2);

/** One watcher that saw everything, and beside it the one under test. */
function verdictOf(notices: readonly Notice[], { start = 2, settled = 16 } = {}) {
  const run = new HistoryBuilder();
  const add = (watcher: string, startRevision: number, told: readonly Notice[]): number => {
    const request = { key: '\0', rangeEnd: '', startRevision, prevKv: false };
    const flags = { noPut: false, noDelete: false };
    const input = { watcher, request: { ...request, ...flags } };
    const output = { notices: told as Json, settledRevision: settled };
    return run.add('watch', input, output).index;
  };
  add('good', 2, [created, ...all.map((revision) => events(revision))]);
  const index = add('tested', start, notices);
  return { index, verdict: watch.check(historyOf(run.operations)) };
}

function mustFind(name: string, notices: readonly Notice[], start = 2): void {
  const { index, verdict } = verdictOf(notices, { start });
  const anomaly = verdict.anomalies.find((each) => each.name === name);
  assert.ok(
    anomaly !== undefined && verdict.result === 'invalid',
    JSON.stringify(verdict.anomalies),
  );
  assert.ok(anomaly.operations.includes(index), anomaly.what);
}

describe('watches', () => {
  const each = all.map((revision) => events(revision));

  it('accepts one that was told everything, in whatever portions', () => {
    const { verdict } = verdictOf([created, events(...all), { type: 'progress', revision: 16 }]);
    assert.deepEqual([verdict.result, verdict.anomalies], ['valid', []]);
    const none = watch.check(historyOf([]));
    assert.equal(none.result, 'unknown');
  });

  it('finds a gap', () => {
    mustFind('Reliable', [created, ...each.filter((_, i) => i !== 7)]);
  });

  it('finds a change that comes twice', () => {
    mustFind('Unique', [created, ...each, events(16)]);
  });

  it('finds changes in the wrong order', () => {
    mustFind('Ordered', [created, events(3), events(2), ...each.slice(2)]);
  });

  it('finds a revision that is split', () => {
    const half = { type: 'events', revision: 2, isFragment: false, events: [event(2, 'b')] };
    mustFind('Atomic', [created, events(2), half, ...each.slice(1)]);
  });

  it('finds progress that is ahead of what was told', () => {
    mustFind('Bookmarkable', [created, { type: 'progress', revision: 10 }, ...each]);
  });

  it('finds a watch of the future that is told of the past', () => {
    mustFind('Start', [created, ...each.slice(5)], 10);
  });

  it('finds a watch that does not begin where it was asked to', () => {
    mustFind('Resumable', [created, ...each.slice(5)], 3);
  });

  it('finds a cancellation that no compaction explains', () => {
    const canceled = { type: 'canceled', revision: 0, compactRevision: 5 };
    mustFind('Compaction', [created, ...each, canceled]);
  });

  it('finds an acknowledged write that nobody was told of', () => {
    const run = new HistoryBuilder();
    const told = [created, ...each] as unknown as Json;
    const request = { key: '\0', rangeEnd: '', startRevision: 2, prevKv: false };
    run.add(
      'watch',
      { watcher: 'good', request: { ...request, noPut: false, noDelete: false } },
      { notices: told, settledRevision: 16 },
    );
    const write = run.add(
      'write',
      { success: [{ op: 'put', key: 'a5', value: 'other' }] },
      { revision: 5, succeeded: true, results: [{}] },
    );
    const { anomalies } = watch.check(historyOf(run.operations));
    assert.deepEqual(
      anomalies.map(({ name, operations }) => [name, operations]),
      [['Acknowledged', [write.index]]],
    );
  });

  it('finds watchers that starve after all has healed', () => {
    const run = new HistoryBuilder();
    run.add('late watchers', { revision: 9 }, { late: ['watcher 1.1 at 3'] });
    assert.equal(watch.check(historyOf(run.operations)).anomalies[0]?.name, 'Starved');
  });

  it('says of a missing change what came before and after it, where, and who wrote it', () => {
    const { verdict } = verdictOf([created, ...each.filter((_, i) => i !== 5)]);
    const missing = verdict.anomalies.find(({ name }) => name === 'Reliable');
    assert.match(
      missing?.what ?? '',
      /misses put a7 .* watched everything from revision 2 on at n1\. Before revision 7/,
    );
    assert.match(missing?.what ?? '', /told of revision 6 \(put a6 = 6\), and next of revision 8/);
  });

  it('says how much of a revision was told where a part of it is missing', () => {
    const run = new HistoryBuilder();
    const add = (watcher: string, notices: readonly Notice[]): void => {
      const request = { key: '\0', rangeEnd: '', startRevision: 2, prevKv: false };
      const input = { watcher, request: { ...request, noPut: false, noDelete: false } };
      run.add('watch', input, { notices: notices as Json, settledRevision: 16 });
    };
    const part = { ...events(7), events: [event(7, 'b')] };
    const whole = { ...events(7), events: [event(7), event(7, 'b')] };
    const others = each.filter((_, i) => i !== 5);
    add('good', [created, ...others.slice(0, 5), whole, ...others.slice(5)]);
    add('tested', [created, ...others.slice(0, 5), part, ...others.slice(5)]);
    const { anomalies } = watch.check(historyOf(run.operations));
    const missing = anomalies.find(({ name }) => name === 'Reliable');
    assert.match(missing?.what ?? '', /Of revision 7 it was told 1 of 2 events\./);
    assert.match(missing?.what ?? '', /; 1 other watches were told of revision 7\.$/);
  });

  it('has shown nothing of large answers where none came in parts', () => {
    const told = (isFragment: boolean): string => {
      const run = new HistoryBuilder();
      const request = { key: '\0', rangeEnd: '', startRevision: 2, prevKv: false };
      const first = { ...events(2), isFragment };
      run.add(
        'watch',
        { watcher: 'w', request: { ...request, noPut: false, noDelete: false } },
        { notices: [created, first, ...each.slice(1)] as Json, settledRevision: 16 },
      );
      return watch.check(historyOf(run.operations, fragmentsName)).result;
    };
    assert.deepEqual([told(false), told(true)], ['unknown', 'valid']);
  });
});
