import { Packr } from 'msgpackr';
import { copyBytes, readUint32, writeUint32 } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';

/**
 * Small records of fixed shape as MessagePack arrays behind 4 bytes of CRC-32C, which also covers what the
 * record is about (`context`, for instance its key), so that one record cannot stand in for another.
 */
export type Field = number | bigint | boolean | readonly Field[];

// Plain MessagePack: no shared structures, and 64-bit integers (ids only) always as bigint.
const packr = new Packr({ useRecords: false, int64AsType: 'bigint' });

export function encodeRecord(context: Bytes, fields: readonly Field[]): Bytes {
  // The packer's result lies in a buffer that it uses again.
  const packed = packr.pack(fields);
  const record = new Uint8Array(4 + packed.length);
  record.set(packed, 4);
  writeUint32(record, 0, crc32c(record.subarray(4), crc32c(context)));
  return record;
}

/** Undefined when the checksum does not match or the content is no array. */
export function decodeRecord(context: Bytes, record: Bytes): FieldReader | undefined {
  if (record.length < 5) return undefined;
  const packed = copyBytes(record.subarray(4));
  if (readUint32(record, 0) !== crc32c(packed, crc32c(context))) return undefined;
  const fields: unknown = packr.unpack(packed);
  return Array.isArray(fields) ? new FieldReader(fields) : undefined;
}

/** A field that is not what it should be in a record whose checksum is right: another format. */
export class FieldError extends Error {
  override readonly name = 'FieldError';
}

export class FieldReader {
  private readonly fields: readonly unknown[];
  private at = 0;

  constructor(fields: readonly unknown[]) {
    this.fields = fields;
  }

  number(): number {
    const field = this.fields[this.at++];
    if (typeof field === 'number' && Number.isSafeInteger(field)) return field;
    throw new FieldError(`field ${this.at} of a record is not an integer`);
  }

  bigint(): bigint {
    const field = this.fields[this.at++];
    if (typeof field === 'bigint') return BigInt.asUintN(64, field);
    throw new FieldError(`field ${this.at} of a record is not an id`);
  }

  boolean(): boolean {
    const field = this.fields[this.at++];
    if (typeof field === 'boolean') return field;
    throw new FieldError(`field ${this.at} of a record is not true or false`);
  }

  bigints(): readonly bigint[] {
    const field: unknown = this.fields[this.at++];
    if (!Array.isArray(field)) throw new FieldError(`field ${this.at} of a record is not a list`);
    const reader = new FieldReader(field);
    return field.map(() => reader.bigint());
  }
}
