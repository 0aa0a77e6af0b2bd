import assert from 'node:assert/strict';
import { utf8 } from '../../../src/base/bytes.ts';
import { encodeLeaseKey } from '../../../src/lease/record.ts';
import { noMember } from '../../../src/raft/types.ts';
import { CommandKind, CommandOrigin } from '../../../src/wire/command.ts';
import { LeaseExpiry } from '../../../src/wire/lease.ts';
import { errors, failed, ok } from '../../../src/wire/errors.ts';
import { ResponseHeader } from '../../../src/wire/header.ts';
import { RangeRequest, SortOrder } from '../../../src/wire/kv.ts';
import { Violation } from '../types.ts';
import { describeConfState } from './configuration.ts';
import { createProperties } from './index.ts';
import {
  accepted,
  appliedEntry,
  diskWith,
  entriesOf,
  entry,
  row,
  sightOf,
  storeWith,
  tombstone,
  voteFor,
  voters,
} from './planted-sights.ts';
import { Record } from './record.ts';
import type { Sight } from './sight.ts';

/** All properties, as a world asks them, over sights that are made up. */
class Judges {
  readonly record = new Record();
  private readonly properties = createProperties();

  see(...sights: readonly Sight[]): void {
    for (const sight of sights) {
      this.record.disks.set(sight.id, sight.log);
      for (const property of this.properties) property.judge(sight, this.record);
    }
  }

  /** The sight breaks this property and none that is asked before it. */
  catches(id: string, sight: Sight, text: RegExp): void {
    assert.throws(
      () => this.see(sight),
      (error) => {
        assert.ok(error instanceof Violation);
        assert.match(error.invariant, new RegExp(`^${id}\\b`));
        assert.match(error.message, text);
        return true;
      },
    );
  }

  powerLoss(): void {
    for (const property of this.properties) property.afterPowerLoss?.(this.record);
  }
}

const ofThree = voters(1n, 2n, 3n);

/** Members 1 to 3 with the same log, committed by member 1, the leader of the last term. */
function committedBy(judges: Judges, ...terms: readonly number[]): void {
  const entries = entriesOf(...terms);
  const term = terms.at(-1) ?? 0;
  const hardState = { term, vote: 1n, commit: 0 };
  const logLast = entries.length;
  const shown = { logLast, lastIndex: logLast, logLastTerm: term, term, confState: ofThree };
  for (const id of [2n, 3n]) {
    const { log } = diskWith(entries, hardState);
    judges.see(sightOf({ id, log, before: shown, sent: [voteFor(id, 1n, term)] }));
  }
  const { log } = diskWith(entries, hardState);
  const now = { ...shown, state: 'leader' as const };
  judges.see(sightOf({ log, before: shown, now }));
  judges.see(sightOf({ log, before: now, now: { committed: logLast } }));
}

describe('each invariant finds what breaks it', () => {
  let judges: Judges;

  beforeEach(() => {
    judges = new Judges();
  });

  it('I1: two leaders of one term', () => {
    const heartbeat = (from: bigint) =>
      ({ type: 'MsgHeartbeat', from, to: 9n, term: 5, commit: 0, readSequence: 0 }) as const;
    judges.see(sightOf({ id: 1n, sent: [heartbeat(1n)], now: { term: 5 } }));
    const other = sightOf({ id: 2n, sent: [heartbeat(2n)], now: { term: 5 } });
    judges.catches('I1', other, /1 and 2 both lead in term 5/);
  });

  it('I2: a leader whose log becomes shorter', () => {
    const before = { state: 'leader', lastIndex: 5, logLast: 5, logLastTerm: 2 } as const;
    const now = { lastIndex: 4, logLast: 4 };
    judges.record.leaders.set(2, 1n);
    judges.catches('I2', sightOf({ before, now }), /from 5 to 4/);
  });

  it('I3: two contents, or two predecessors, of one entry', () => {
    judges.see(sightOf({ logged: [{ entry: entry(2, 4, 'a'), previousTerm: 1 }] }));
    const content = sightOf({ logged: [{ entry: entry(2, 4, 'b'), previousTerm: 1 }] });
    judges.catches('I3', content, /two contents/);
    const previous = sightOf({ logged: [{ entry: entry(2, 4, 'a'), previousTerm: 2 }] });
    judges.catches('I3', previous, /follows one of term 1 and one of 2/);
  });

  it('I4: a leader without an entry that is committed', () => {
    committedBy(judges, 2, 2, 2);
    const hardState = { term: 3, vote: 2n, commit: 0 };
    const before = {
      term: 3,
      state: 'candidate',
      logLast: 2,
      logLastTerm: 2,
      lastIndex: 2,
    } as const;
    const { log } = diskWith(entriesOf(2, 2), hardState);
    judges.see(
      sightOf({
        id: 3n,
        log: diskWith(entriesOf(2, 2, 2), hardState).log,
        before,
        sent: [voteFor(3n, 2n, 3)],
      }),
    );
    const elected = sightOf({ id: 2n, log, before, now: { state: 'leader', lastIndex: 3 } });
    judges.catches('I4', elected, /leader 2 of term 3 lacks entry 2\/3/);
  });

  it('I5: another entry at an index that was applied', () => {
    judges.record.committed = 1;
    const now = { committed: 1, lastIndex: 1 };
    judges.see(sightOf({ id: 1n, before: now, handedOut: [entry(1, 1, 'a')] }));
    const other = sightOf({ id: 2n, before: now, handedOut: [entry(1, 1, 'b')] });
    judges.catches('I5', other, /2 applies entry 1\/1, others applied 1\/1/);
  });

  it('I6: indexes that go back, or are out of order', () => {
    judges.record.committed = 5;
    const before = { committed: 5, lastIndex: 5, applied: 3 };
    judges.catches('I6', sightOf({ before, now: { committed: 4 } }), /back to/);
    judges.catches('I6', sightOf({ before, now: { applied: 6 } }), /applied before committed/);
    judges.catches('I6', sightOf({ before, now: { lastIndex: 4 } }), /committed beyond the log/);
    judges.catches('I6', sightOf({ before, now: { logFirst: 5 } }), /begins after/);
  });

  it('I7: a second vote in a term, and one that the disk does not have', () => {
    const voted = diskWith([], { term: 4, vote: 2n, commit: 0 });
    const now = { term: 4 };
    judges.see(sightOf({ log: voted.log, now, sent: [voteFor(1n, 2n, 4)] }));
    const again = sightOf({ log: voted.log, now, sent: [voteFor(1n, 3n, 4)] });
    judges.catches('I7', again, /1 votes for 3 in term 4, and has voted for 2/);
    const early = sightOf({ log: voted.log, now: { term: 5 }, sent: [voteFor(1n, 3n, 5)] });
    judges.catches('I7', early, /tells its vote for 3 in term 5, its disk has 2 in 4/);
    const forgetful = sightOf({ isNew: true, now: { term: 3 } });
    judges.catches('I7', forgetful, /begins in 3, but has voted in 5/);
  });

  it('I8: an acknowledgement before the entries, or the term, are on disk', () => {
    const hardState = { term: 2, vote: noMember, commit: 0 };
    const { log } = diskWith(entriesOf(2, 2), hardState);
    judges.see(sightOf({ log, sent: [accepted(1n, 2, 2)] }));
    const early = sightOf({ log, sent: [accepted(1n, 2, 3)] });
    judges.catches('I8', early, /1 acknowledges 3/);
    const later = sightOf({ log, now: { term: 3 }, sent: [accepted(1n, 3, 2)] });
    judges.catches('I8', later, /its disk knows term 2/);
  });

  it('I8: an acknowledged entry that is gone from the disk, though a later one is there', () => {
    const { log } = diskWith([entry(2, 4)], { term: 2, vote: noMember, commit: 0 });
    const gap = sightOf({ log, sent: [accepted(1n, 2, 4)] });
    judges.catches('I8', gap, /not all entries up to there/);
  });

  it('I8: a start without what was acknowledged and is committed', () => {
    const entries = entriesOf(2, 2);
    const { log } = diskWith(entries, { term: 2, vote: noMember, commit: 0 });
    judges.see(sightOf({ log, sent: [accepted(1n, 2, 2)] }));
    judges.record.entries[2] = entries[1];
    judges.record.committed = 2;
    const shorter = diskWith(entriesOf(2), { term: 2, vote: noMember, commit: 0 });
    const start = sightOf({ isNew: true, log: shorter.log });
    judges.catches('I8', start, /begins without entry 2\/2/);
  });

  it('I9: a commit of an entry of an older term, and one without a quorum of disks', () => {
    committedBy(judges, 2);
    const hardState = { term: 3, vote: 1n, commit: 0 };
    const older = diskWith(entriesOf(2, 2), hardState);
    judges.record.leaders.set(3, 1n);
    judges.record.disks.set(2n, older.log);
    const before = {
      term: 3,
      state: 'leader',
      committed: 1,
      logLast: 2,
      lastIndex: 3,
      logLastTerm: 2,
    } as const;
    const byCounting = sightOf({ log: older.log, before, now: { committed: 2 } });
    judges.catches('I9', byCounting, /commits 2, whose terms on disk are/);
    const own = diskWith(entriesOf(2, 2, 3), hardState);
    const alone = sightOf({
      log: own.log,
      before: { ...before, logLast: 3, logLastTerm: 3 },
      now: { committed: 3 },
    });
    judges.catches('I9', alone, /commits 3/);
  });

  it('I9: a joint configuration without a majority of the outgoing half', () => {
    committedBy(judges, 2);
    const confState = { ...voters(1n, 2n, 3n), votersOutgoing: [1n, 4n, 5n] };
    const before = {
      state: 'leader',
      committed: 1,
      logLast: 2,
      lastIndex: 2,
      logLastTerm: 2,
      confState,
    } as const;
    const { log } = diskWith(entriesOf(2, 2));
    judges.record.disks.set(2n, log).set(3n, log);
    judges.catches('I9', sightOf({ log, before, now: { committed: 2 } }), /commits 2/);
    judges.record.disks.set(5n, log);
    judges.see(sightOf({ log, before, now: { committed: 2 } }));
  });

  it('I9: a commit of a leader that is not looked at, which no quorum of disks has', () => {
    committedBy(judges, 2);
    judges.record.names.set(1n, 'm1').set(2n, 'm2').set(3n, 'm3');
    judges.record.isExempt = (name) => name === 'm1';
    const { log } = diskWith(entriesOf(2, 2));
    const shown = {
      logLast: 2,
      lastIndex: 2,
      logLastTerm: 2,
      confState: voters(1n, 2n, 3n, 4n, 5n),
    };
    const before = { ...shown, term: 3, committed: 1 };
    const learned = sightOf({ id: 2n, name: 'm2', log, before, now: { committed: 2 } });
    judges.catches('I9', learned, /learns that 2 is committed, which no quorum of disks has/);
    judges.record.disks.set(3n, log);
    judges.see(learned);
  });

  it('I10: two members with different configurations after one entry', () => {
    judges.record.committed = 1;
    const now = { committed: 1, lastIndex: 1, applied: 1 };
    const handedOut = [entry(1, 1, 'change', 'confChange')];
    judges.see(sightOf({ id: 1n, now, handedOut }));
    const stale = sightOf({ id: 2n, now: { ...now, confState: voters(1n, 2n) }, handedOut });
    judges.catches('I10', stale, /2 has voters 1 2;.* others voters 1 2 3/);
  });

  it('I10: a change before a commit of the term, and two that are not committed', () => {
    committedBy(judges, 2);
    const change = (term: number, index: number) => ({
      entry: entry(term, index, 'change', 'confChange'),
      previousTerm: 2,
    });
    const before = { committed: 1, lastIndex: 3 };
    judges.record.leaders.set(3, 1n);
    const early = sightOf({ now: { ...before, term: 3 }, logged: [change(3, 2)] });
    judges.catches('I10', early, /before a commit of that term/);
    const log = diskWith([entry(2, 1), entry(2, 2, 'change', 'confChange')]).log;
    judges.see(sightOf({ log, now: before, logged: [change(2, 2)] }));
    const second = sightOf({ log, now: before, logged: [change(2, 3)] });
    judges.catches('I10', second, /while 2\/2 is not committed/);
  });

  it('I11: a learner that leads, and a leader without votes', () => {
    const before = { state: 'candidate', term: 2 } as const;
    const now = { state: 'leader' } as const;
    const { log } = diskWith([], { term: 2, vote: 1n, commit: 0 });
    judges.record.disks.set(2n, log).set(3n, log);
    const learner = { ...voters(2n, 3n), learners: [1n] };
    judges.catches(
      'I11',
      sightOf({ before: { ...before, confState: learner }, now, log }),
      /leads term 2/,
    );
    const lonely = new Judges();
    lonely.catches('I11', sightOf({ before, now, log }), /with the votes/);
  });

  it('I12: a snapshot of another revision, or that the log does not join', () => {
    committedBy(judges, 1, 1);
    judges.record.effects[2] = { fingerprint: 0, revision: 3, compactRevision: -1 };
    const state = { appliedIndex: 2, appliedTerm: 1, revision: 3 };
    const figures = {
      revision: 3,
      committed: 2,
      applied: 2,
      lastIndex: 2,
      logFirst: 3,
      logLast: 2,
    };
    const { log } = diskWith(entriesOf(1, 1));
    const installed = { id: 2n, isInstalled: true, log };
    judges.record.entries[2] = entry(1, 2);
    const seen = (shown: object, now = figures) =>
      sightOf({ ...installed, now, store: storeWith({ ...state, ...shown }) });
    judges.catches('I12', seen({}, { ...figures, logFirst: 2, logLast: 1 }), /does not join 2/);
    judges.catches('I12', seen({ revision: 2 }), /revision 2 .* at 2, right is 3/);
    judges.catches('I12', seen({ appliedTerm: 2 }), /installed entry 2\/2, applied was 1\/2/);
    judges.record.configurations.push({ index: 1, after: describeConfState(ofThree) });
    judges.catches('I12', seen({ confState: voters(1n) }), /installed voters 1; .* right is/);
    judges.see(seen({ confState: ofThree }));
  });

  it('I13: a member of another cluster', () => {
    judges.see(sightOf({}));
    judges.catches('I13', sightOf({ id: 2n, clusterId: 1n }), /is of cluster 1/);
  });

  it('I14: a read that is answered before what was committed is applied', () => {
    const read = { floorIndex: 7, askedInTerm: 2, answeredInTerm: 2 };
    judges.see(sightOf({ reads: [{ ...read, appliedIndex: 7 }] }));
    const stale = sightOf({ reads: [{ ...read, appliedIndex: 6 }] });
    judges.catches('I14', stale, /at index 6; 7 was committed/);
  });

  it('I46: a range with too much, too little, in another order, or refused without reason', () => {
    const rows = [row(2, 0, 'a'), row(3, 0, 'b'), row(3, 1, 'c'), tombstone(4, 0, 'b')];
    const entries = [rows.slice(0, 1), rows.slice(1, 3), rows.slice(3)];
    judges.see(sightOf({ applied: entries.map((each, i) => appliedEntry(i + 1, i + 2, each)) }));
    const [a, b, c] = rows.map(({ value }) => value);
    const of = (asks: Partial<RangeRequest>, ...kvs: readonly (Uint8Array | undefined)[]) => {
      const rangeEnd = utf8('z');
      const request = RangeRequest.create({ key: utf8('a'), rangeEnd, ...asks });
      const count = asks.revision === 3 ? 3 : 2;
      const found = kvs.flatMap((kv) => (kv === undefined ? [] : [kv]));
      const more = asks.limit !== undefined && found.length < count;
      const header = ResponseHeader.create({ revision: 4 });
      const outcome = ok({ header, kvs: found, count, more });
      return sightOf({ ranges: [{ request, outcome, askedAt: 4 }] });
    };
    judges.see(of({}, a, c), of({ revision: 3 }, a, b, c), of({ limit: 1 }, a));
    judges.see(of({ sortOrder: SortOrder.DESCEND }, c, a));
    judges.catches('I46', of({}, a), /1 keys?, right are 2|nothing in place 1/);
    judges.catches('I46', of({}, a, b), /b@3 in place 1, right is c@3/);
    judges.catches('I46', of({ revision: 3 }, a, c, c), /c@3 in place 1, right is b@3/);
    judges.catches('I46', of({ sortOrder: SortOrder.DESCEND }, a, c), /a@2 in place 0/);
    const request = RangeRequest.create({ key: utf8('a'), revision: 3 });
    const refused = { request, outcome: failed(errors.compacted), askedAt: 4 };
    const now = { revision: 4, compactRevision: 3 };
    judges.catches('I46', sightOf({ ranges: [refused], now }), /3 is refused as compacted/);
  });

  it('I15: a revision that goes back while a member runs', () => {
    const sight = sightOf({ before: { revision: 5 }, now: { revision: 4 } });
    judges.catches('I15', sight, /from revision 5 back to 4/);
  });

  it('I17: a revision that is passed over, used twice or taken for nothing', () => {
    const of = (revision: number, ...rows: readonly ReturnType<typeof row>[]) =>
      sightOf({ applied: [appliedEntry(1, revision, rows)] });
    judges.catches('I17', of(3, row(3, 0, 'k')), /writes revision 3 after 1/);
    judges.catches('I17', of(1, row(1, 0, 'k')), /writes revision 1 after 1/);
    judges.catches('I17', of(2), /leaves revision 2, its rows end at 1/);
    judges.catches('I17', of(3, row(2, 0, 'k'), row(3, 0, 'l')), /takes 2 revisions/);
    judges.see(of(2, row(2, 0, 'k'), row(2, 1, 'l')));
  });

  it('I18: a member that shows less than its store has, and a store that goes back', () => {
    const { log } = diskWith(entriesOf(1, 1, 1, 1));
    const store = storeWith({ revision: 6, appliedIndex: 4, appliedTerm: 1 });
    judges.catches('I18', sightOf({ log, store, now: { revision: 5 } }), /shows revision 5/);
    judges.see(sightOf({ log, store, now: { revision: 6 } }));
    const older = storeWith({ revision: 4, appliedIndex: 3 });
    const start = sightOf({ isNew: true, log, store: older, now: { revision: 6 } });
    judges.catches('I18', start, /over a restart/);
  });

  it('I19: a version that does not count on, and a deletion of what is not there', () => {
    const applies = (index: number, revision: number, each: ReturnType<typeof row>) =>
      sightOf({
        applied: [appliedEntry(index, revision, [each])],
        now: { applied: index, committed: 9, lastIndex: 9, revision },
      });
    judges.record.committed = 9;
    judges.see(applies(1, 2, row(2, 0, 'k')));
    judges.catches('I19', applies(2, 3, row(3, 0, 'k')), /right is 2, 3, 2/);
    const other = new Judges();
    other.record.committed = 9;
    other.catches('I19', applies(1, 2, tombstone(2, 0, 'k')), /deletes a key that is not there/);
  });

  it('I20: a compaction that takes the row at its revision, and one that goes back', () => {
    const { rows } = judges.record;
    rows.add(row(2, 0, 'k'));
    rows.add(row(3, 0, 'k', { createRevision: 2, version: 2 }));
    const compacted = (compactRevision: number, key: Uint8Array) =>
      sightOf({ before: { revision: 9 }, now: { compactRevision }, deleted: [key] });
    judges.catches('I20', compacted(2, row(2, 0, 'k').key), /lasts until 3, at compact revision 2/);
    judges.see(compacted(3, row(2, 0, 'k').key));
    judges.catches('I20', compacted(3, row(3, 0, 'k').key), /lasts until undefined/);
    rows.add(tombstone(4, 0, 'k'));
    judges.catches('I20', compacted(4, tombstone(4, 0, 'k').key), /deletes row 4.0/);
    const back = sightOf({
      before: { revision: 9, compactRevision: 5 },
      now: { compactRevision: 4 },
    });
    judges.catches('I20', back, /from 5 back to 4/);
  });

  it('I21: a commit of the store that lacks a row, has one too many or another revision', () => {
    const { log } = diskWith(entriesOf(2, 2));
    judges.record.effects[2] = { fingerprint: 0, revision: 3, compactRevision: -1 };
    judges.record.rows.add(row(2, 0, 'a'));
    judges.record.rows.add(row(3, 0, 'b'));
    const at = (state: object, ...rows: readonly ReturnType<typeof row>[]) =>
      sightOf({ log, now: { revision: 4 }, store: storeWith({ appliedTerm: 2, ...state }, rows) });
    const whole = { appliedIndex: 2, revision: 3 };
    judges.catches('I21', at(whole, row(2, 0, 'a')), /lacks row 3.0/);
    const many = at({ appliedIndex: 1, revision: 2 }, row(2, 0, 'a'), row(3, 0, 'b'));
    new Judges().see(many);
    const other = judgesWith(judges.record);
    other.catches('I21', many, /has a row of the next/);
    const wrong = at({ appliedIndex: 2, revision: 2 }, row(2, 0, 'a'));
    judgesWith(judges.record).catches('I21', wrong, /has revision 2 .* right is 3/);
    const ahead = at({ appliedIndex: 3, revision: 3 }, row(2, 0, 'a'), row(3, 0, 'b'));
    judgesWith(judges.record).catches('I21', ahead, /ahead of its log/);
  });

  it('I22: an entry that writes something else on another member', () => {
    judges.see(sightOf({ applied: [appliedEntry(1, 2, [row(2, 0, 'k')])] }));
    const other = sightOf({ id: 2n, applied: [appliedEntry(1, 2, [row(2, 0, 'l')])] });
    judges.catches('I22', other, /2 applied 1 to/);
    judges.record.committed = 1;
    const figures = { applied: 1, committed: 1, lastIndex: 1, revision: 4 };
    judges.catches('I22', sightOf({ id: 2n, now: figures }), /revision 4 at 1, right is 2/);
  });

  it('I34, I35: a key without its lease, keys that outlive it, an expiry of another term', () => {
    const grant = { space: 'lease', key: encodeLeaseKey(5n), value: utf8('x') } as const;
    const end = { space: 'lease', key: encodeLeaseKey(5n), value: undefined } as const;
    const attached = row(2, 0, 'k', { lease: 5n });
    const without = sightOf({ applied: [appliedEntry(1, 2, [attached])] });
    judges.catches('I34', without, /attaches a key to lease 5/);
    const other = new Judges();
    other.see(
      sightOf({ applied: [appliedEntry(1, 1, [], [grant]), appliedEntry(2, 2, [attached])] }),
    );
    other.catches(
      'I34',
      sightOf({ applied: [appliedEntry(3, 2, [], [end])] }),
      /leaves 1 of its keys/,
    );
    const request = LeaseExpiry.encode({ term: 2, ids: [5n] });
    const data = new CommandOrigin(1n, 1).encode(CommandKind.leaseExpire, 1, request);
    other.record.entries[4] = { term: 3, index: 4, type: 'normal', data };
    const late = appliedEntry(4, 3, [tombstone(3, 0, 'k')], [end]);
    other.catches('I34, I35', sightOf({ applied: [late] }), /by a decision of term 2/);
  });

  it('I37, I41: a client who is told too early, and a commit that no quorum has any more', () => {
    judges.catches('I37, I41', sightOf({ acknowledged: [4] }), /of index 4, committed is 0/);
    committedBy(judges, 2, 2);
    judges.powerLoss();
    judges.record.disks.set(2n, diskWith(entriesOf(2)).log);
    judges.powerLoss();
    judges.record.disks.set(3n, diskWith(entriesOf(2)).log);
    assert.throws(() => judges.powerLoss(), /no quorum of disks has it any more/);
  });

  it('I38: one proposal at two indexes', () => {
    const data = new CommandOrigin(1n, 1).encode(CommandKind.put, 7, utf8('request'));
    judges.record.committed = 2;
    const handedOut = [1, 2].map((index) => ({ term: 1, index, type: 'normal', data }) as const);
    const twice = sightOf({ now: { committed: 2, lastIndex: 2 }, handedOut });
    judges.catches('I38', twice, /entries 1 and 2 are one proposal/);
  });
});

/** Fresh judges who know what others have found out. */
function judgesWith(record: Record): Judges {
  const judges = new Judges();
  Object.assign(judges.record.effects, record.effects);
  for (const main of [2, 3]) {
    for (const fact of record.rows.of(main))
      judges.record.rows.add(row(fact.main, fact.sub, `k${main}`));
  }
  return judges;
}
