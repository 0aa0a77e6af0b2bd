import { assert, mustGet } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { BlockWriter } from './block-writer.ts';
import { defaultTableBytes, DynamicTable, fieldBytes } from './dynamic-table.ts';
import { staticByName, staticLength } from './static-table.ts';
import type { HeaderEncoder, HeaderList } from './types.ts';

/** Names whose values differ from call to call: in the table they would only push out what is the same. */
const varyingNames: ReadonlySet<string> = new Set([
  'content-length',
  'date',
  'grpc-message',
  'grpc-status-details-bin',
  'grpc-tags-bin',
  'grpc-timeout',
  'grpc-trace-bin',
  'traceparent',
  'tracestate',
  'x-request-id',
]);

/** Names whose values nobody on the way may put into a table of his (RFC 7541, section 7.1.3). */
const secretNames: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'set-cookie',
  'token',
]);

/** Values of one name in the table at once. Further ones stay out, so that one varying name cannot churn the table. */
const valuesPerNameMax = 16;

/** Lists that the encoder recognizes when they are given again. */
const rememberedMax = 8;

/** First bits of a field (RFC 7541, section 6). */
const indexed = 0x80;
const withIndexing = 0x40;
const sizeUpdate = 0x20;
const neverIndexed = 0x10;
const withoutIndexing = 0x00;

export function createHeaderEncoder(): HeaderEncoder {
  return new Encoder();
}

interface RememberedList {
  readonly fields: HeaderList;
  readonly generation: number;
  readonly block: Bytes;
}

/** A value in the table, and the count of insertions after it, by which its index is known for ever. */
interface IndexedValue {
  readonly value: string;
  readonly inserted: number;
}

class Encoder implements HeaderEncoder {
  private readonly writer = new BlockWriter();
  private readonly table = new DynamicTable(defaultTableBytes, (name) => this.forgetOldest(name));
  /** What is in the table, by name, each from the oldest. */
  private readonly byName = new Map<string, IndexedValue[]>();
  /** The least size since the last block, if the size has changed since. */
  private leastTableBytes: number | undefined;
  private readonly remembered: RememberedList[] = [];
  private nextRemembered = 0;

  encode(fields: HeaderList): Bytes {
    const generation = this.table.generation;
    for (const known of this.remembered) {
      if (known.fields === fields && known.generation === generation) return known.block;
    }
    assert(fields.length % 2 === 0, 'a header list has a value for each name');
    const isSizeTold = this.leastTableBytes === undefined;
    this.writeSizeUpdates();
    for (let i = 0; i < fields.length; i += 2) {
      this.writeField(fields[i] as string, fields[i + 1] as string);
    }
    const block = this.writer.take();
    if (isSizeTold && this.table.generation === generation) {
      this.remembered[this.nextRemembered] = { fields, generation, block };
      this.nextRemembered = (this.nextRemembered + 1) % rememberedMax;
    }
    return block;
  }

  setTableBytesMax(bytes: number): void {
    const bytesMax = Math.min(bytes, defaultTableBytes);
    if (bytesMax === this.table.bytesMax) return;
    this.leastTableBytes = Math.min(this.leastTableBytes ?? bytesMax, bytesMax);
    this.table.resize(bytesMax);
  }

  /** The least and the last size since the block before (RFC 7541, section 4.2). */
  private writeSizeUpdates(): void {
    const least = this.leastTableBytes;
    if (least === undefined) return;
    this.leastTableBytes = undefined;
    if (least < this.table.bytesMax) this.writer.writeInteger(sizeUpdate, 5, least);
    this.writer.writeInteger(sizeUpdate, 5, this.table.bytesMax);
  }

  private writeField(name: string, value: string): void {
    const fixed = staticByName.get(name);
    const values = this.byName.get(name);
    if (secretNames.has(name)) {
      this.writeLiteral(neverIndexed, 4, name, value);
      return;
    }
    const index = fixed?.byValue.get(value) ?? this.indexOf(values, value);
    if (index !== undefined) this.writer.writeInteger(indexed, 7, index);
    else if (this.isWorthIndexing(name, value)) {
      this.writeLiteral(withIndexing, 6, name, value);
      this.insert(name, value);
    } else this.writeLiteral(withoutIndexing, 4, name, value);
  }

  private indexOf(values: readonly IndexedValue[] | undefined, value: string): number | undefined {
    const found = values?.find((each) => each.value === value);
    return found === undefined ? undefined : this.indexAfter(found.inserted);
  }

  private indexAfter(inserted: number): number {
    return staticLength + 1 + this.table.inserted - inserted;
  }

  private isWorthIndexing(name: string, value: string): boolean {
    if (varyingNames.has(name)) return false;
    if ((this.byName.get(name)?.length ?? 0) >= valuesPerNameMax) return false;
    // One large field is not worth all the others.
    return fieldBytes(name, value) <= this.table.bytesMax / 2;
  }

  private insert(name: string, value: string): void {
    // Before the new value is listed: it makes room, and the oldest values go from the lists.
    this.table.insert(name, value);
    const values = this.byName.get(name);
    const indexedValue = { value, inserted: this.table.inserted };
    if (values === undefined) this.byName.set(name, [indexedValue]);
    else values.push(indexedValue);
  }

  private forgetOldest(name: string): void {
    const values = mustGet(this.byName.get(name), 'what leaves the table was listed');
    values.shift();
    if (values.length === 0) this.byName.delete(name);
  }

  private writeLiteral(flags: number, prefixBits: number, name: string, value: string): void {
    const latest = this.byName.get(name)?.at(-1);
    const index =
      staticByName.get(name)?.index ??
      (latest === undefined ? 0 : this.indexAfter(latest.inserted));
    this.writer.writeInteger(flags, prefixBits, index);
    if (index === 0) this.writer.writeString(name);
    this.writer.writeString(value);
  }
}
