import { binaryString, utf8 } from '../../../src/base/bytes.ts';
import { encodeRowKey } from '../../../src/mvcc/revision.ts';
import { encodeRow, encodeTombstoneRow, type RowFields } from '../../../src/mvcc/row.ts';
import type { PutRow } from '../../../src/mvcc/types.ts';
import { Slab } from '../../../src/base/slab.ts';
import type { ConfState, Entry, HardState, Message } from '../../../src/raft/types.ts';
import { hardStateFields, hardStateKey } from '../../../src/storage/log-rows.ts';
import { RunCodec, runKey } from '../../../src/storage/log-runs.ts';
import type { MemoryRows } from '../../../src/storage/memory-database.ts';
import { encodeRecord } from '../../../src/storage/record.ts';
import { emptyStoreMeta, encodeMeta } from '../../../src/storage/store-meta.ts';
import { metaKey, revisionKey } from '../../../src/storage/store-rows.ts';
import type { StoreState } from '../../../src/storage/types.ts';
import { DurableLog } from './durable-log.ts';
import { DurableStore } from './durable-store.ts';
import type { AppliedEntry, Figures, Sight } from './sight.ts';

/** Sights of a member that never ran, with what a test says of them: so that a lie can be planted in any. */

export const clusterId = 77n;

export function voters(...ids: readonly bigint[]): ConfState {
  return { voters: ids, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
}

export function entry(term: number, index: number, text = '', type = 'normal'): Entry {
  const data = utf8(text);
  return { term, index, type: type === 'normal' ? 'normal' : 'confChange', data };
}

/** Entries of these terms, from index 1 on. */
export function entriesOf(...terms: readonly number[]): readonly Entry[] {
  return terms.map((term, i) => entry(term, i + 1, `entry ${i + 1}`));
}

/** A disk that holds these entries, in one run, and this hard state. */
export function diskWith(entries: readonly Entry[], hardState?: HardState): PlantedDisk {
  const rows: MemoryRows = new Map();
  const put = (key: Uint8Array, value: Uint8Array): void =>
    void rows.set(binaryString(key), { key, value });
  const first = entries[0];
  if (first !== undefined)
    put(runKey(first.index), new RunCodec(clusterId).encode(entries).slice());
  if (hardState !== undefined)
    put(hardStateKey, encodeRecord(hardStateKey, hardStateFields(hardState)));
  const log = new DurableLog(rows, clusterId);
  log.lastIndex = entries.at(-1)?.index ?? 0;
  return { log, rows };
}

export interface PlantedDisk {
  readonly log: DurableLog;
  readonly rows: MemoryRows;
}

/** A store on disk that says this of itself and has these rows. */
export function storeWith(state: Partial<StoreState>, rows: readonly PutRow[] = []): DurableStore {
  const onDisk: MemoryRows = new Map();
  const meta = encodeMeta({ ...emptyStoreMeta, state: { ...emptyStoreMeta.state, ...state } });
  onDisk.set(binaryString(metaKey), { key: metaKey, value: meta });
  for (const { key, value } of rows) {
    const diskKey = revisionKey(key);
    onDisk.set(binaryString(diskKey), { key: diskKey, value });
  }
  return new DurableStore(onDisk);
}

/** The row of a key's first version, unless `fields` says otherwise. */
export function row(
  main: number,
  sub: number,
  key: string,
  fields: Partial<RowFields> = {},
): PutRow {
  const all = { createRevision: main, modRevision: main, version: 1, lease: 0n, ...fields };
  const value = encodeRow(utf8(key), utf8('value'), all, new Slab(1024));
  return { key: encodeRowKey(main, sub, false), value };
}

export function tombstone(main: number, sub: number, key: string): PutRow {
  return { key: encodeRowKey(main, sub, true), value: encodeTombstoneRow(utf8(key)) };
}

export function appliedEntry(
  index: number,
  revision: number,
  rows: readonly PutRow[] = [],
  changes: AppliedEntry['changes'] = [],
): AppliedEntry {
  return { index, rows, isInSteps: false, changes, revision, compactRevision: -1 };
}

const figures: Figures = {
  term: 2,
  state: 'follower',
  committed: 0,
  applied: 0,
  appliedTerm: 0,
  lastIndex: 0,
  confState: voters(1n, 2n, 3n),
  revision: 1,
  compactRevision: -1,
  logFirst: 1,
  logLast: 0,
  logLastTerm: 0,
  isInstalling: false,
};

/** What a member that does nothing shows, but for what is given. */
export function sightOf(
  shown: Partial<Omit<Sight, 'before' | 'now'>> & {
    readonly before?: Partial<Figures>;
    readonly now?: Partial<Figures>;
  },
): Sight {
  const { before, now, ...rest } = shown;
  const id = shown.id ?? 1n;
  const { log } = diskWith([]);
  return {
    event: { kind: 'turn', name: 'm1' },
    shows: 0,
    name: 'm1',
    id,
    clusterId,
    incarnation: id + 100n,
    isNew: false,
    isInstalled: false,
    log,
    store: storeWith({}),
    sent: [],
    logged: [],
    handedOut: [],
    applied: [],
    deleted: [],
    reads: [],
    ranges: [],
    acknowledged: [],
    ...rest,
    before: { ...figures, ...before },
    now: { ...figures, ...before, ...now },
  };
}

export function accepted(from: bigint, term: number, index: number): Message {
  return {
    type: 'MsgAppResp',
    from,
    to: 9n,
    term,
    index,
    reject: false,
    rejectHint: 0,
    logTerm: 0,
  };
}

export function voteFor(from: bigint, to: bigint, term: number): Message {
  return { type: 'MsgVoteResp', from, to, term, reject: false, commit: 0, logTerm: 0 };
}
