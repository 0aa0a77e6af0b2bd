import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { encodeConfChangeContext } from '../../src/membership/conf-change.ts';
import { Membership } from '../../src/membership/membership.ts';
import { MemberRecord } from '../../src/membership/record.ts';
import {
  decodeConfChange,
  encodeConfChange,
  isLeaveJoint,
  type ConfChange,
} from '../../src/raft/confchange.ts';
import type { Logger } from '../../src/host/logger.ts';
import { emptyConfState } from '../../src/raft/configuration.ts';
import type { ConfState } from '../../src/raft/types.ts';
import { planForcedStart, type ForcedStart } from '../../src/server/forced-start.ts';
import type { Row } from '../../src/storage/types.ts';
import { emptyStoreState } from '../../src/storage/store-meta.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { decodeLineage } from '../../src/wire/lineage.ts';
import { MemoryLog } from '../raft/support/memory-log.ts';
import { MemoryCluster } from './cluster.ts';

/** `--force-new-cluster`: one member of a lost cluster goes on alone. */

describe('a forced start', () => {
  const logged: string[] = [];

  async function lost(): Promise<{ cluster: MemoryCluster; survivor: string }> {
    logged.length = 0;
    const logger: Logger = {
      log: (_level, msg, fields) => void logged.push(`${msg} ${JSON.stringify(fields)}`),
    };
    const cluster = await MemoryCluster.start(3, { logger });
    cluster.until('a leader', () => cluster.leader !== undefined);
    const leader = cluster.leader as ServerMember;
    for (let i = 0; i < 10; i++) cluster.put(leader, `k${i}`, 'v');
    cluster.advance(1_000);
    const follower = cluster.members.find((member) => !member.isLeader) as ServerMember;
    const survivor = cluster.nameOf(follower);
    for (const name of cluster.names) cluster.stop(name);
    cluster.advance(1_000);
    return { cluster, survivor };
  }

  it('keeps all data and revisions, and goes on alone', async () => {
    const { cluster, survivor } = await lost();
    const forced = await cluster.force(survivor);
    cluster.until('it leads', () => forced.isLeader);
    assert.equal(forced.record.length, 1);
    assert.equal(forced.revision, 11);
    assert.ok(cluster.put(forced, 'k', 'v').ok);
    assert.equal(forced.revision, 12);
    const [entry, ...more] = decodeLineage(forced.lineage);
    assert.deepEqual(more, []);
    assert.equal(entry?.n, 1);
    assert.equal(entry.parent, '');
    assert.match(entry.id, /^[0-9a-f]{32}$/);
    assert.ok(entry.forkIndex >= 13 && entry.forkTerm >= 2);
  });

  it('starts like any other afterwards, and takes new members in', async () => {
    const { cluster, survivor } = await lost();
    await cluster.force(survivor);
    cluster.until('it leads', () => cluster.leader !== undefined);
    cluster.stop(survivor);
    cluster.advance(1_000);
    const again = await cluster.startMember(survivor);
    cluster.until('it leads', () => again.isLeader);
    const added = cluster.addMember(again, 'http://localhost:9');
    assert.ok(added.ok);
    const joined = await cluster.joinMember('m9', added.value.added.id, again.lineage);
    cluster.until('it has all', () => joined.revision === again.revision);
    assert.deepEqual(cluster.fatal, []);
  });

  it('is never talked with by a member of before, which is told why', async () => {
    const { cluster, survivor } = await lost();
    const forced = await cluster.force(survivor);
    cluster.until('it leads', () => forced.isLeader);
    const { term } = forced;
    const others = cluster.names.filter((name) => name !== survivor);
    for (const name of others) await cluster.startMember(name);
    cluster.until('they go on without it', () =>
      cluster.members.some((member) => member !== forced && member.isLeader),
    );
    const old = cluster.members.find((member) => member !== forced && member.isLeader);
    assert.ok(old !== undefined && cluster.put(old, 'k', 'of old').ok);
    assert.ok(cluster.put(forced, 'k', 'of new').ok);
    cluster.advance(5_000);
    assert.equal(forced.term, term);
    assert.equal(forced.revision, old.revision, 'one write each');
    assert.ok(logged.some((line) => line.includes('lineage mismatch')));
    assert.deepEqual([cluster.fatal, cluster.removed], [[], []]);
  });

  it('changes nothing of a member that is alone already', async () => {
    const { cluster, survivor } = await lost();
    const { lineage } = await cluster.force(survivor);
    cluster.until('it leads', () => cluster.leader !== undefined);
    cluster.stop(survivor);
    cluster.advance(1_000);
    assert.deepEqual((await cluster.force(survivor)).lineage, lineage);
  });
});

describe('the plan of a forced start', () => {
  const voters = (...ids: bigint[]): ConfState => ({ ...emptyConfState, voters: ids });

  function rowsOf(...records: readonly (readonly [id: bigint, isLearner: boolean])[]): Row[] {
    const membership = Membership.load([]);
    return records.flatMap(([id, isLearner]) => {
      const record = MemberRecord.create({ id, peerUrls: [`http://localhost:${id}`] });
      const type = isLearner ? ('addLearner' as const) : ('addVoter' as const);
      const changes = [{ type, memberId: id }];
      const outcome = membership.change({ changes, context: encodeConfChangeContext([record]) });
      assert.ok(outcome.ok);
      return outcome.value;
    });
  }

  function logOf(terms: readonly number[], changes: ReadonlyMap<number, ConfChange> = new Map()) {
    const log = new MemoryLog();
    const entries = terms.map((term, i) => {
      const change = changes.get(i + 1);
      return change === undefined
        ? { term, index: i + 1, type: 'normal' as const, data: utf8('x') }
        : { term, index: i + 1, type: 'confChange' as const, data: encodeConfChange(change) };
    });
    log.append(undefined, entries);
    return log;
  }

  const changesOf = ({ entries }: ForcedStart): readonly string[] =>
    entries.map(({ data }) => {
      const change = decodeConfChange(data);
      if (isLeaveJoint(change)) return 'leave';
      return change.changes.map(({ type, memberId }) => `${type} ${memberId}`).join();
    });

  function plan(parts: {
    self?: bigint;
    rows?: Row[];
    confState?: ConfState;
    log?: MemoryLog;
    applied?: number;
    commit: number;
  }) {
    const { self = 1n, log = logOf([1, 1, 2, 2, 3]), applied = 2, commit } = parts;
    return planForcedStart({
      self,
      rows: parts.rows ?? rowsOf([1n, false], [2n, false], [3n, true]),
      state: {
        ...emptyStoreState,
        appliedIndex: applied,
        confState: parts.confState ?? { ...voters(1n, 2n), learners: [3n] },
      },
      log,
      hardState: { term: 3, vote: 2n, commit },
    });
  }

  function mustForce(parts: Parameters<typeof plan>[0]): ForcedStart {
    const planned = plan(parts);
    assert.equal(planned.kind, 'forced');
    return planned.kind === 'forced' ? planned.start : assert.fail();
  }

  it('drops what is not committed, and decrees the rest in a term of its own', () => {
    const start = mustForce({ commit: 4 });
    assert.deepEqual(changesOf(start), ['remove 2', 'remove 3']);
    assert.deepEqual(
      start.entries.map(({ index, term }) => [index, term]),
      [
        [5, 4],
        [6, 4],
      ],
    );
    assert.deepEqual(start.hardState, { term: 4, vote: 1n, commit: 6 });
    assert.deepEqual(start.fork, { term: 2, index: 4 });
  });

  it('makes a voter of a learner before the voters go', () => {
    assert.deepEqual(changesOf(mustForce({ self: 3n, commit: 2 })), [
      'addVoter 3',
      'remove 1',
      'remove 2',
    ]);
  });

  it('counts what is committed and not applied yet', () => {
    const context = encodeConfChangeContext([]);
    const change: ConfChange = {
      transition: 'auto',
      changes: [{ type: 'remove', memberId: 2n }],
      context,
    };
    const log = logOf([1, 1, 2, 2], new Map([[3, change]]));
    assert.deepEqual(changesOf(mustForce({ log, commit: 4 })), ['remove 3']);
    assert.deepEqual(changesOf(mustForce({ log, commit: 2 })), ['remove 2', 'remove 3']);
  });

  it('leaves a joint configuration first', () => {
    const confState = {
      ...voters(1n, 2n),
      votersOutgoing: [1n, 2n, 3n],
      learnersNext: [3n],
      autoLeave: true,
    };
    const start = mustForce({ confState, commit: 4 });
    assert.deepEqual(changesOf(start), ['leave', 'remove 2', 'remove 3']);
  });

  it('is not made for a member that is none', () => {
    const planned = plan({ self: 9n, commit: 4 });
    assert.equal(planned.kind, 'refused');
    const alone = plan({ rows: rowsOf([1n, false]), confState: voters(1n), commit: 4 });
    assert.equal(alone.kind, 'unneeded');
  });
});
