import { mustGet } from '../../../src/base/assert.ts';
import { binaryString } from '../../../src/base/bytes.ts';
import type { Entry, HardState } from '../../../src/raft/types.ts';
import {
  hardStateKey,
  readHardState,
  readPosition,
  startKey,
} from '../../../src/storage/log-rows.ts';
import { RunCodec, runKey } from '../../../src/storage/log-runs.ts';
import type { MemoryRows } from '../../../src/storage/memory-database.ts';
import { decodeRecord } from '../../../src/storage/record.ts';
import type { Row } from '../../../src/storage/types.ts';
import { writtenValue } from '../rot.ts';

/**
 * The log as the disk has it: what would be left if the power went now. It reads the rows themselves, never what
 * the member believes of them, and decodes each row once.
 */
export class DurableLog {
  private readonly rows: MemoryRows;
  private readonly codec: RunCodec;
  /** By the index of each of its entries. */
  private readonly runs: (Run | undefined)[] = [];
  private readonly hard = new CachedRow(hardStateName, (row) =>
    readHardState(
      mustGet(decodeRecord(hardStateKey, writtenValue(row)), 'the hard state is whole'),
    ),
  );
  private readonly start = new CachedRow(startName, (row) =>
    readPosition(
      mustGet(decodeRecord(startKey, writtenValue(row)), 'the start of the log is whole'),
    ),
  );
  /** How far the member itself says that its log reaches: nothing beyond has been promised to anybody. */
  lastIndex = 0;

  constructor(rows: MemoryRows, clusterId: bigint) {
    this.rows = rows;
    this.codec = new RunCodec(clusterId);
  }

  get hardState(): HardState | undefined {
    return this.hard.in(this.rows);
  }

  /** Whether the entry is there, or was before a snapshot or a compaction took it up. */
  holds(index: number, term: number): boolean {
    return this.termAt(index) === term || this.startIndex >= index;
  }

  private get startIndex(): number {
    return this.start.in(this.rows)?.index ?? 0;
  }

  termAt(index: number): number | undefined {
    if (index > this.lastIndex) return undefined;
    const run = this.runAt(index);
    return run === undefined ? undefined : termIn(run, index);
  }

  /**
   * Whether everything up to the index is there without a gap. What was found whole before is not looked at again
   * while its row is the same.
   */
  isWholeTo(index: number): boolean {
    const { startIndex } = this;
    const met: Run[] = [];
    for (let at = index; at > startIndex;) {
      const run = this.runAt(at);
      if (run === undefined) return false;
      if (run.isWhole) break;
      met.push(run);
      at = run.first - 1;
    }
    for (const run of met) run.isWhole = true;
    return true;
  }

  private runAt(index: number): Run | undefined {
    const known = this.runs[index];
    if (known !== undefined && this.rows.get(known.name) === known.row) return known;
    return index > this.startIndex ? this.find(index) : undefined;
  }

  private find(index: number): Run | undefined {
    for (let first = index; first > Math.max(0, index - entriesOfRunMax); first--) {
      const name = runName(first);
      const row = this.rows.get(name);
      if (row === undefined) continue;
      const known = this.runs[first];
      if (known?.row === row) return index < first + known.entries.length ? known : undefined;
      const entries = this.codec.decode(first, writtenValue(row));
      if (entries === undefined) return undefined;
      const run = { name, row, first, entries, isWhole: false };
      for (let i = 0; i < entries.length; i++) this.runs[first + i] = run;
      return index < first + entries.length ? run : undefined;
    }
    return undefined;
  }
}

interface Run {
  readonly name: string;
  readonly row: Row;
  readonly first: number;
  readonly entries: readonly Entry[];
  isWhole: boolean;
}

/** A row that is decoded when it has changed. */
export class CachedRow<T> {
  private readonly name: string;
  private readonly decode: (row: Row) => T;
  private row: Row | undefined;
  private value: T | undefined;

  constructor(name: string, decode: (row: Row) => T) {
    this.name = name;
    this.decode = decode;
  }

  in(rows: MemoryRows): T | undefined {
    const row = rows.get(this.name);
    if (row === this.row) return this.value;
    this.row = row;
    this.value = row === undefined ? undefined : this.decode(row);
    return this.value;
  }
}

const hardStateName = binaryString(hardStateKey);
const startName = binaryString(startKey);
/** A run of a simulated log is what one append brought. */
const entriesOfRunMax = 100_000;

function runName(first: number): string {
  return binaryString(runKey(first));
}

function termIn(run: Run, index: number): number | undefined {
  return run.entries[index - run.first]?.term;
}
