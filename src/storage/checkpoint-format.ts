import { readUint32, utf8, writeUint32 } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import type { FileSetId } from './file-set.ts';
import { decodeRecord, encodeRecord } from './record.ts';
import type { RowTotals } from './store-rows.ts';
import type { CheckpointThrough, StoreState } from './types.ts';

/**
 * A checkpoint is one file in the folder of its store, so that it goes where the store goes: blocks of
 *
 *     0   the block's number in the file, 4 bytes, big-endian as what follows
 *     4   its kind: one of the caller's, `headKind` first, `endKind` last
 *     8   length of its content
 *     12  CRC-32C of its content
 *     16  CRC-32C of these 16 bytes
 *     20  the content
 *
 * LevelDB passes over files whose names it does not know.
 */
export const checkpointName = 'index-checkpoint';

export const headerBytes = 20;
export const headKind = 256;
export const endKind = 257;

const formatNumber = 1;
/** Numbers lie in blocks as in memory. */
const byteOrder = new Uint8Array(new Uint32Array([0x01020304]).buffer)[0] ?? 0;
const context = utf8(checkpointName);

/** Whose checkpoint it is, and of what. */
export interface CheckpointHead {
  readonly id: FileSetId;
  readonly at: Pick<StoreState, 'appliedIndex' | 'appliedTerm' | 'revision' | 'compactRevision'>;
  /** Of the rows of revisions. */
  readonly totals: RowTotals;
}

export function encodeHead({ id, at, totals }: CheckpointHead): Bytes {
  const { clusterId, memberId, incarnation } = id.identity;
  return encodeRecord(context, [
    formatNumber,
    byteOrder,
    clusterId,
    memberId,
    incarnation,
    id.fileSet,
    at.appliedIndex,
    at.appliedTerm,
    at.revision,
    at.compactRevision,
    totals.count,
    totals.bytes,
    totals.sumHigh,
    totals.sumLow,
  ]);
}

/** The head, or why the file is not for this store and program. Throws a FieldError on another shape. */
export function decodeHead(content: Bytes, id: FileSetId): CheckpointHead | string {
  const fields = decodeRecord(context, content);
  if (fields === undefined) return 'its head is damaged';
  if (fields.number() !== formatNumber || fields.number() !== byteOrder) {
    return 'it is of another format';
  }
  const { clusterId, memberId, incarnation } = id.identity;
  const isOurs =
    fields.bigint() === clusterId &&
    fields.bigint() === memberId &&
    fields.bigint() === incarnation &&
    fields.number() === id.fileSet;
  if (!isOurs) return 'it belongs to another member or another time';
  const at = {
    appliedIndex: fields.number(),
    appliedTerm: fields.number(),
    revision: fields.number(),
    compactRevision: fields.number(),
  };
  const totals = {
    count: fields.number(),
    bytes: fields.number(),
    sumHigh: fields.number(),
    sumLow: fields.number(),
  };
  return { id, at, totals };
}

export function encodeEnd({ appliedIndex }: CheckpointThrough): Bytes {
  return encodeRecord(context, [appliedIndex]);
}

/** Undefined when it is damaged. */
export function decodeEnd(content: Bytes): CheckpointThrough | undefined {
  const fields = decodeRecord(context, content);
  return fields === undefined ? undefined : { appliedIndex: fields.number() };
}

export interface BlockHeader {
  readonly number: number;
  readonly kind: number;
  readonly length: number;
  readonly checksum: number;
}

export function encodeBlockHeader(number: number, kind: number, content: Bytes): Bytes {
  const header = new Uint8Array(headerBytes);
  writeUint32(header, 0, number);
  writeUint32(header, 4, kind);
  writeUint32(header, 8, content.length);
  writeUint32(header, 12, crc32c(content));
  writeUint32(header, 16, crc32c(header.subarray(0, 16)));
  return header;
}

/** Undefined when it is damaged. */
export function decodeBlockHeader(header: Bytes): BlockHeader | undefined {
  if (crc32c(header.subarray(0, 16)) !== readUint32(header, 16)) return undefined;
  return {
    number: readUint32(header, 0),
    kind: readUint32(header, 4),
    length: readUint32(header, 8),
    checksum: readUint32(header, 12),
  };
}
