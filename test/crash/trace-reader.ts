import { readFileSync, statSync } from 'node:fs';
import type { Bytes } from '../../src/base/bytes.ts';

/** The trace that the shim writes (shim/trace.c): what a member did to the files below its data dir, in order. */

/** By number, as shim/shim.h has them. */
const kinds = [
  'none',
  'start',
  'baseFolder',
  'baseFile',
  'open',
  'write',
  'truncate',
  'allocate',
  'rename',
  'link',
  'unlink',
  'makeFolder',
  'removeFolder',
  'sync',
  'syncFailed',
  'close',
  'duplicate',
  'unmodelled',
] as const;

export type RecordKind = (typeof kinds)[number];

export interface TraceRecord {
  readonly kind: RecordKind;
  /** Where it begins in the trace; what happened before it lies below. */
  readonly at: number;
  readonly end: number;
  readonly fd: number;
  /** open: flags. write, allocate: offset. truncate: length. sync: the trace's length when it began. */
  readonly a: number;
  /** allocate: length. */
  readonly b: number;
  /** Below the data dir, which itself is ''. */
  readonly path: string;
  /** Of a rename or link: the new one. */
  readonly path2: string;
  /** A view of the trace; empty when the data are `zeroBytes` zeros. */
  readonly data: Bytes;
  readonly zeroBytes: number;
  /** Of the machine's monotonic clock, which all traces of a cluster share. */
  readonly timeMs: number;
}

const headerBytes = 40;

/** All whole records: a kill may cut the last one off. */
export function readTrace(path: string): readonly TraceRecord[] {
  const bytes = readFileSync(path);
  const records: TraceRecord[] = [];
  let at = 0;
  while (at + headerBytes <= bytes.length) {
    const size = bytes.readUInt32LE(at);
    const kind = kinds[bytes[at + 4] as number];
    if (kind === undefined || kind === 'none' || size < headerBytes) {
      throw new Error(`${path}: no record of a known kind at byte ${at}`);
    }
    if (at + size > bytes.length) break;
    records.push(readRecord(bytes, at, size, kind));
    at += size;
  }
  return records;
}

function readRecord(bytes: Buffer, at: number, size: number, kind: RecordKind): TraceRecord {
  const pathEnd = at + headerBytes + bytes.readUInt16LE(at + 6);
  const path2End = pathEnd + bytes.readUInt16LE(at + 8);
  const b = Number(bytes.readBigUInt64LE(at + 24));
  return {
    kind,
    at,
    end: at + size,
    fd: bytes.readInt32LE(at + 12),
    a: Number(bytes.readBigUInt64LE(at + 16)),
    b,
    path: bytes.toString('utf8', at + headerBytes, pathEnd),
    path2: bytes.toString('utf8', pathEnd, path2End),
    data: bytes.subarray(path2End, at + size),
    zeroBytes: bytes[at + 5] === 1 ? b : 0,
    timeMs: Number(bytes.readBigUInt64LE(at + 32)) / 1e6,
  };
}

/**
 * How long the trace is now. What a member tells the world was on its disk, and in the trace, before it told it: an
 * answer that was heard before this length was asked for is covered by any cut at or beyond it.
 */
export function traceLength(path: string): number {
  return statSync(path).size;
}
