import assert from 'node:assert/strict';
import {
  EventHistory,
  resumeRevision,
  type Watch,
  type Watcher,
  type WatchEvent,
  type WatchNotice,
  type WatchRequest,
} from './history.ts';
import { checkAcknowledged, checkHistory, checkWatchers, watchChecks } from './watch-checks.ts';

/** The checks themselves: a clean history passes all of them, and each planted lie is found by the check it is for. */

function put(key: string, modRevision: number, prev?: WatchEvent): WatchEvent {
  const before = prev?.type === 'put' ? prev.kv : undefined;
  const kv = {
    value: `${key}${modRevision}`,
    createRevision: before?.createRevision ?? modRevision,
    modRevision,
    version: (before?.version ?? 0) + 1,
    lease: 0n,
  };
  return { type: 'put', key, kv, prev: before };
}

function remove(key: string, modRevision: number, prev: WatchEvent): WatchEvent {
  const kv = { value: '', createRevision: 0, modRevision, version: 0, lease: 0n };
  return { type: 'delete', key, kv, prev: prev.kv };
}

const a2 = put('a', 2);
const b3 = put('b', 3);
const a4 = put('a', 4, a2);
const b4 = put('b', 4, b3);
const a5 = remove('a', 5, a4);
const a6 = put('a', 6);
const b7 = put('b', 7, b4);
const all = [a2, b3, a4, b4, a5, a6, b7];
const history = EventHistory.of(all);

const everything: WatchRequest = {
  key: '\0',
  rangeEnd: '',
  startRevision: 2,
  prevKv: true,
  noPut: false,
  noDelete: false,
};

const created: WatchNotice = { type: 'created', revision: 1 };
const progress = (revision: number): WatchNotice => ({ type: 'progress', revision });

function told(...events: readonly WatchEvent[]): WatchNotice & { type: 'events' } {
  const revision = Math.max(...events.map(({ kv }) => kv.modRevision));
  return { type: 'events', revision, events, isFragment: false, compactedMax: 0 };
}

function fragment(...events: readonly WatchEvent[]): WatchNotice {
  return { ...told(...events), isFragment: true };
}

function watch(notices: readonly WatchNotice[], request: Partial<WatchRequest> = {}): Watch {
  return {
    request: { ...everything, ...request },
    notices: [created, ...notices],
    settledRevision: undefined,
  };
}

const watcher = (...watches: readonly Watch[]): Watcher => ({ name: 'w', watches });

function violations(lie: Watcher): readonly string[] {
  return checkWatchers([lie], history);
}

/** The named check finds it; others may, too. */
function findsIt(promise: string, lie: Watcher): void {
  const found = watchChecks[promise]?.(lie, history) ?? [];
  assert.notDeepEqual(found, [], `${promise} finds nothing`);
}

describe('watch guarantees: what is true', () => {
  const truths: Readonly<Record<string, Watcher>> = {
    'a watch of everything': watcher(watch([told(a2, b3), told(a4, b4, a5), told(a6), told(b7)])),
    'a watch of one key': watcher(
      watch([told(a2), told(a4), told(a5, a6)], { key: 'a', rangeEnd: undefined }),
    ),
    'a watch without deletes': watcher(
      watch([told(a2, b3), told(a4, b4, a6, b7)], { noDelete: true }),
    ),
    'a watch without puts': watcher(watch([told(a5)], { noPut: true })),
    'a watch of the future': watcher(
      watch([told(a6), progress(6), told(b7), progress(7)], { startRevision: 6 }),
    ),
    'a watch from now on': watcher({
      ...watch([], { startRevision: 0 }),
      notices: [{ type: 'created', revision: 4 }, progress(4), told(a5, a6)],
    }),
    'fragments of one revision': watcher(watch([told(a2, b3), fragment(a4), told(b4), told(a5)])),
    'a watch that is resumed': watcher(
      watch([told(a2, b3)]),
      watch([told(a4, b4, a5)], { startRevision: 4 }),
    ),
    'a watch that is resumed behind its progress': watcher(
      watch([told(a2), progress(3)], { key: 'a', rangeEnd: undefined }),
      watch([told(a4)], { key: 'a', rangeEnd: undefined, startRevision: 4 }),
    ),
    'a fragment without its rest, resumed at the same revision': watcher(
      watch([told(a2, b3), fragment(a4)]),
      watch([told(a4, b4)], { startRevision: 4 }),
    ),
    'a watch that fell behind a compaction': watcher(
      watch([told(a2), { type: 'canceled', revision: 0, compactRevision: 5 }]),
      watch([told(a5, a6)], { startRevision: 5 }),
    ),
    'a previous value that is compacted': watcher(
      watch([{ ...told({ ...b7, prev: undefined }), compactedMax: 7 }], { startRevision: 7 }),
    ),
  };
  for (const [what, truth] of Object.entries(truths)) {
    it(`${what} passes`, () => assert.deepEqual(violations(truth), []));
  }

  it('what nobody saw is held against nobody', () => {
    const seen = watcher(watch([told(a2)]), watch([told(a6), told(b7)], { startRevision: 6 }));
    const gapped = EventHistory.seenBy([seen]);
    assert.deepEqual(gapped.before('b', 7), 'unknown');
    assert.deepEqual(checkWatchers([watcher(watch([told(a2), told(b7)]))], gapped), [
      `Reliable: w: misses put a a6@6..6#1`,
    ]);
  });
});

describe('watch guarantees: what is a lie', () => {
  const lies: readonly (readonly [promise: string, what: string, lie: Watcher])[] = [
    ['Ordered', 'two events swapped', watcher(watch([told(b3, a2)]))],
    [
      'Ordered',
      'a resumed watch that goes back in time',
      watcher(watch([told(a2, b3)]), watch([told(a2)], { startRevision: 4 })),
    ],
    ['Unique', 'an event repeated', watcher(watch([told(a2), told(a2, b3)]))],
    [
      'Unique',
      'an event repeated after the resumption',
      watcher(watch([told(a2, b3)]), watch([told(b3, a4, b4)], { startRevision: 3 })),
    ],
    ['Atomic', 'a revision split', watcher(watch([told(a2, b3), told(a4), told(b4, a5)]))],
    ['Atomic', 'progress within a revision', watcher(watch([fragment(a4), progress(3), told(b4)]))],
    ['Reliable', 'an event dropped', watcher(watch([told(a2), told(a4, b4, a5)]))],
    ['Reliable', 'the rest of a revision dropped', watcher(watch([told(a2, b3, a4), told(a5)]))],
    [
      'Reliable',
      'the last event not told, with all the time in the world',
      watcher({ ...watch([told(a2, b3, a4, b4, a5, a6)]), settledRevision: 7 }),
    ],
    ['Resumable', 'the first event dropped', watcher(watch([told(a4, b4)], { startRevision: 3 }))],
    [
      'Resumable',
      'an event dropped in the resumption',
      watcher(watch([told(a2)]), watch([told(a4, b4)], { startRevision: 3 })),
    ],
    ['Bookmarkable', 'an event behind its progress', watcher(watch([progress(3), told(b3)]))],
    ['Bookmarkable', 'progress ahead of an event', watcher(watch([told(a2), progress(3)]))],
    ['Bookmarkable', 'progress behind an event', watcher(watch([told(a2, b3), progress(2)]))],
    [
      'Bookmarkable',
      'progress that goes back',
      watcher(watch([told(a2, b3), progress(3), progress(2)])),
    ],
    [
      'PrevKv',
      'another previous value',
      watcher(watch([told(a2, b3, { ...a4, prev: b3.kv }, b4)])),
    ],
    ['PrevKv', 'none', watcher(watch([told(a2, b3, { ...a4, prev: undefined }, b4)]))],
    ['PrevKv', 'one of a new key', watcher(watch([told({ ...a6, prev: a4.kv })]))],
    ['PrevKv', 'one that nobody asked for', watcher(watch([told(a4, b4)], { prevKv: false }))],
    ['Filter', 'a put', watcher(watch([told(a2)], { noPut: true }))],
    ['Filter', 'a delete', watcher(watch([told(a5)], { noDelete: true }))],
    ['Filter', 'another key', watcher(watch([told(b3)], { key: 'a', rangeEnd: undefined }))],
    ['Filter', 'a key behind the range', watcher(watch([told(b3)], { key: 'a', rangeEnd: 'b' }))],
    ['IsCreate', 'a new key that is told as old', watcher(watch([told(lied(a6, 2))]))],
    ['IsCreate', 'an event that never happened', watcher(watch([told(put('c', 3))]))],
    [
      'Compaction',
      'a cancellation for what was not wanted',
      watcher(watch([told(a2, b3), { type: 'canceled', revision: 0, compactRevision: 4 }])),
    ],
    [
      'Compaction',
      'an event after the cancellation',
      watcher(watch([{ type: 'canceled', revision: 0, compactRevision: 4 }, told(a5)])),
    ],
    [
      'Compaction',
      'a header revision with the cancellation',
      watcher(watch([{ type: 'canceled', revision: 7, compactRevision: 4 }])),
    ],
    ['Start', 'an event before created', watcher({ ...watch([]), notices: [told(a2), created] })],
    ['Start', 'created twice', watcher(watch([created]))],
    ['Start', 'an old event in the future', watcher(watch([told(a5, a6)], { startRevision: 6 }))],
    ['Start', 'old progress in the future', watcher(watch([progress(5)], { startRevision: 6 }))],
    ['Header', 'a header behind its events', watcher(watch([{ ...told(a2, b3), revision: 2 }]))],
  ];
  for (const [promise, what, lie] of lies) {
    it(`${promise} finds ${what}`, () => findsIt(promise, lie));
  }

  it('each check has a lie to find', () => {
    assert.deepEqual(new Set(lies.map(([promise]) => promise)), new Set(Object.keys(watchChecks)));
  });

  it('History finds two observers that were told differently', () => {
    const one = watcher(watch([told(a2, b3)]));
    const other = { name: 'o', watches: [watch([told(a2, put('c', 3))])] };
    assert.equal(checkHistory(EventHistory.seenBy([one, other])).length, 1);
  });

  it('Acknowledged finds a write that is no event, or another one', () => {
    const writes = [
      { key: 'a', value: 'a4', revision: 4 },
      { key: 'a', value: undefined, revision: 5 },
    ];
    assert.deepEqual(checkAcknowledged(history, writes), []);
    const lost = { key: 'c', value: 'x', revision: 4 };
    const other = { key: 'a', value: 'x', revision: 4 };
    assert.equal(checkAcknowledged(history, [...writes, lost, other]).length, 2);
  });

  it('History finds versions that do not follow', () => {
    assert.equal(checkHistory(EventHistory.of([a2, b3, lied(a4, 4), b4])).length, 1);
  });
});

/** The same event with another create revision. */
function lied(event: WatchEvent, createRevision: number): WatchEvent {
  return { ...event, kv: { ...event.kv, createRevision } };
}

describe('watch guarantees: where to resume', () => {
  it('behind the last whole revision', () => {
    assert.equal(resumeRevision(watch([told(a2, b3)])), 4);
    assert.equal(resumeRevision(watch([told(a2), fragment(b3, a4)])), 4);
    assert.equal(resumeRevision(watch([told(a2), progress(5)])), 6);
    assert.equal(resumeRevision(watch([])), 2);
    assert.equal(resumeRevision({ ...watch([], { startRevision: 0 }), notices: [] }), undefined);
  });
});
