import assert from 'node:assert/strict';
import { methodNamed, type WireObject } from '../members/protocol.ts';
import { forgetCompared, logDifference } from './watch-compare.ts';
import { WatchLog } from './watch-log.ts';

/** One side's messages, as they come from the wire, after the create requests that they answer. */
function logOf(
  messages: readonly WireObject[],
  specs: readonly WireObject[] = [watchAll],
): WatchLog {
  const log = new WatchLog();
  for (const spec of specs) log.expect(spec);
  feed(log, messages);
  return log;
}

function feed(log: WatchLog, messages: readonly WireObject[]): void {
  const { responseSerialize, responseDeserialize } = methodNamed('Watch.Watch');
  for (const message of messages) {
    const raw = responseSerialize(message);
    log.take({ raw, message: responseDeserialize(raw) as WireObject });
  }
}

function differenceOf(wanted: readonly WireObject[], got: readonly WireObject[]): string {
  const found = logDifference(logOf(wanted), logOf(got));
  return found === undefined ? 'none' : `${found.kind}: ${found.what}`;
}

const watchAll = { key: Buffer.from('a'), range_end: Buffer.from('z'), prev_kv: true };
const header = (revision: number): WireObject => ({
  cluster_id: '1',
  member_id: '2',
  revision: String(revision),
  raft_term: '3',
});
const created = (id = 0, revision = 10): WireObject => ({
  header: header(revision),
  watch_id: String(id),
  created: true,
});
const put = (key: string, revision: number, previous = 'old'): WireObject => ({
  kv: {
    key: Buffer.from(key),
    value: Buffer.from(`${key}${revision}`),
    create_revision: '2',
    mod_revision: String(revision),
    version: '3',
  },
  prev_kv: { key: Buffer.from(key), value: Buffer.from(previous), mod_revision: '3' },
});
const told = (events: readonly WireObject[], more: WireObject = {}): WireObject => {
  const newest = events.at(-1)?.['kv'] as WireObject;
  return { header: header(Number(newest['mod_revision'])), watch_id: '0', events, ...more };
};
const progress = (revision: number): WireObject => ({ header: header(revision), watch_id: '-1' });
const compacted = (at: number): WireObject => ({
  header: { cluster_id: '1', member_id: '2', raft_term: '3' },
  watch_id: '0',
  canceled: true,
  compact_revision: String(at),
});

const right = [created(), told([put('a', 11), put('b', 11)]), told([put('a', 12)]), progress(12)];

describe('differential: what counts as a difference between watch streams', () => {
  it('the events count, not the responses that carry them', () => {
    assert.equal(differenceOf(right, right), 'none');
    const batched = [created(), told([put('a', 11), put('b', 11), put('a', 12)]), progress(12)];
    assert.equal(differenceOf(right, batched), 'none');
  });

  it('a header may be newer than the event, not older', () => {
    const newer = [created(), told([put('a', 11)], { header: header(40) })];
    assert.equal(differenceOf([created(), told([put('a', 11)])], newer), 'none');
    const older = [created(), told([put('a', 11)], { header: header(10) })];
    assert.match(differenceOf(newer, older), /different: an event of revision 11 comes at 10/);
  });

  it('a dropped event', () => {
    const short = [created(), told([put('a', 11), put('b', 11)]), progress(12)];
    assert.equal(differenceOf(right, short), 'behind: watch 0, items: 3 against 2');
    const without = [created(), told([put('a', 11)]), told([put('a', 12)])];
    assert.match(
      differenceOf(right, without),
      /^different: watch 0, item 1\.revision: 11 against 12/,
    );
  });

  it('two events of one revision in the other order', () => {
    const swapped = [created(), told([put('b', 11), put('a', 11)]), told([put('a', 12)])];
    assert.match(differenceOf(right, swapped), /^different: watch 0, item 0\.event\.kv/);
  });

  it('revisions in the other order', () => {
    const swapped = [created(), told([put('a', 12)]), told([put('a', 11)], { header: header(12) })];
    assert.equal(differenceOf(right, swapped), 'different: watch 0: 11 after 12');
  });

  it('an event told twice', () => {
    const twice = [...right.slice(0, 3), told([put('a', 12)])];
    assert.equal(
      differenceOf(right, twice),
      'different: watch 0: revision 12 is told in two responses',
    );
  });

  it('one revision in two responses', () => {
    const split = [created(), told([put('a', 11)]), told([put('b', 11)]), told([put('a', 12)])];
    assert.equal(
      differenceOf(right, split),
      'different: watch 0: revision 11 is told in two responses',
    );
  });

  it('one revision in fragments, for whoever asked for them', () => {
    const parts = [
      created(),
      told([put('a', 11)], { fragment: true }),
      told([put('b', 11)]),
      told([put('a', 12)]),
    ];
    assert.equal(
      differenceOf(right, parts),
      'different: watch 0 has fragments, and asked for none',
    );
    const asked = { ...watchAll, fragment: true };
    assert.equal(logDifference(logOf(right, [asked]), logOf(parts, [asked])), undefined);
    const between = [...parts.slice(0, 2), progress(11), ...parts.slice(2)];
    const found = logDifference(logOf(right, [asked]), logOf(between, [asked]));
    assert.equal(found?.what, 'watch -1 speaks between the fragments of watch 0');
  });

  it('progress ahead of an event', () => {
    const ahead = [
      created(),
      told([put('a', 11), put('b', 11)]),
      progress(12),
      told([put('a', 12)]),
    ];
    assert.equal(differenceOf(right, ahead), 'different: watch 0: 12 after a progress to 12');
  });

  it('progress that is older than an event before it', () => {
    const late = [...right.slice(0, 3), progress(11)];
    assert.equal(differenceOf(right, late), 'different: progress to 11 after an event of 12');
  });

  it('progress of a stream with a watch that waits for the future, or was compacted away', () => {
    const future = [{ ...watchAll, start_revision: '20' }];
    const found = logDifference(
      logOf([created()], future),
      logOf([created(), progress(12)], future),
    );
    assert.equal(found?.what, 'progress to 12 with watch 0 not in step');
    const over = [created(), compacted(9), progress(12)];
    assert.match(differenceOf(over.slice(0, 2), over), /progress to 12 with watch 0 not in step/);
  });

  it('a notification of progress that nobody asked for', () => {
    const got = [created(), { header: header(12), watch_id: '0' }];
    assert.match(differenceOf([created()], got), /progress of watch 0, which did not ask for it/);
  });

  it('an event older than the start', () => {
    const got = [created(), told([put('a', 10)])];
    assert.equal(
      differenceOf(got, got),
      'different: etcd: watch 0: revision 10, and it starts at 11',
    );
  });

  it('another previous pair, or none', () => {
    const other = [created(), told([put('a', 11), put('b', 11, 'new')]), told([put('a', 12)])];
    assert.match(differenceOf(right, other), /^different: watch 0, item 1\.event\.prev_kv/);
    const bare = { kv: put('b', 11)['kv'] };
    const none = [created(), told([put('a', 11), bare]), told([put('a', 12)])];
    assert.match(differenceOf(right, none), /^different: watch 0, item 1\.event\.prev_kv/);
  });

  it('another compact_revision, or a header in a cancellation', () => {
    const wanted = [created(), compacted(9)];
    assert.equal(differenceOf(wanted, wanted), 'none');
    assert.match(differenceOf(wanted, [created(), compacted(8)]), /compact_revision: 9 against 8/);
    const withRevision = [created(), { ...compacted(9), header: header(12) }];
    assert.match(differenceOf(wanted, withRevision), /revision: undefined against 12/);
  });

  it('events before the watch is created, and after its end', () => {
    assert.match(
      differenceOf(right, [told([put('a', 11)])]),
      /events for watch 0, which there is not/,
    );
    const after = [created(), compacted(9), told([put('a', 11)])];
    assert.match(differenceOf(after, after), /events for watch 0 after its end/);
  });

  it('another id, reason or revision of a new watch', () => {
    assert.match(differenceOf([created(0)], [created(1)]), /create request 0\.watch_id/);
    assert.match(differenceOf([created(0, 10)], [created(0, 11)]), /create request 0\.revision/);
    const refused = (reason: string): WireObject => ({
      ...created(-1),
      canceled: true,
      cancel_reason: reason,
    });
    assert.match(differenceOf([refused('x')], [refused('y')]), /cancel_reason: x against y/);
  });

  it('only a watch that was canceled with events on their way may miss its last ones', () => {
    const ack = { header: header(12), watch_id: '0', canceled: true };
    const [wanted, got] = [logOf([...right.slice(0, 2), ack]), logOf([created(), ack])];
    assert.match(logDifference(wanted, got)?.what ?? '', /watch 0, item 0\.type/);
    for (const track of [...wanted.tracks, ...got.tracks]) track.isCutShort = true;
    assert.equal(logDifference(wanted, got), undefined);
    const wrong = logOf([created(), told([put('b', 11)]), ack]);
    for (const track of wrong.tracks) track.isCutShort = true;
    assert.match(logDifference(wanted, wrong)?.what ?? '', /watch 0, item 0\.event/);
  });

  it('a compaction may have ended a watch before the client did, at one server alone', () => {
    const ack = { header: header(12), watch_id: '0', canceled: true };
    const ended = [created(), compacted(9), ack];
    const [wanted, got] = [logOf([created(), ack]), logOf(ended)];
    for (const track of [...wanted.tracks, ...got.tracks]) track.isCutShort = true;
    assert.equal(logDifference(wanted, got), undefined);
    assert.equal(logDifference(got, wanted), undefined);
    const unconfirmed = logOf([created(), compacted(9)]);
    for (const track of unconfirmed.tracks) track.isCutShort = true;
    assert.equal(logDifference(wanted, unconfirmed)?.kind, 'behind');
  });

  it('what was compared is forgotten, and the rules still hold for what comes then', () => {
    const [reference, subject] = [logOf(right), logOf(right)];
    forgetCompared(reference);
    forgetCompared(subject);
    feed(subject, [told([put('a', 12)])]);
    assert.match(logDifference(reference, subject)?.what ?? '', /12 is told in two responses/);
  });
});
