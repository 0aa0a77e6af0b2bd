import type { Bytes } from '../../base/bytes.ts';
import { BlockReader } from './block-reader.ts';
import { defaultTableBytes, DynamicTable, fieldOverheadBytes } from './dynamic-table.ts';
import { HpackError } from './error.ts';
import { RememberedBlocks } from './remembered-blocks.ts';
import { staticLength, staticNames, staticValues } from './static-table.ts';
import type { DecodedHeaders, HeaderDecoder } from './types.ts';

/** Size updates that a block may begin with: to the least size since the last block, and to the last one. */
const sizeUpdatesMax = 2;

export interface HeaderDecoderLimits {
  /** SETTINGS_HEADER_TABLE_SIZE as it was sent. */
  readonly tableBytesMax: number;
  /** SETTINGS_MAX_HEADER_LIST_SIZE as it was sent. */
  readonly listBytesMax: number;
}

/** The table has 4,096 bytes, which both ends take for granted, until the other end says otherwise. */
export function createHeaderDecoder(limits: HeaderDecoderLimits): HeaderDecoder {
  return new Decoder(limits);
}

class Decoder implements HeaderDecoder {
  private readonly limits: HeaderDecoderLimits;
  private readonly table: DynamicTable;
  private readonly remembered = new RememberedBlocks();
  private readonly reader = new BlockReader();
  /** Of the block that is being decoded. */
  private fields: string[] = [];
  private listBytes = 0;
  private isTooLarge = false;

  constructor(limits: HeaderDecoderLimits) {
    this.limits = limits;
    this.table = new DynamicTable(Math.max(limits.tableBytesMax, defaultTableBytes));
    if (this.table.bytesMax > defaultTableBytes) this.table.resize(defaultTableBytes);
  }

  decode(bytes: Bytes, start = 0, end = bytes.length): DecodedHeaders {
    const generation = this.table.generation;
    const known = this.remembered.find(bytes, start, end, generation);
    if (known !== undefined) return known;
    this.fields = [];
    this.listBytes = 0;
    this.isTooLarge = false;
    this.reader.open(bytes, start, end);
    this.readSizeUpdates();
    while (!this.reader.isAtEnd) this.readField();
    this.reader.close();
    const headers = { fields: this.fields, isTooLarge: this.isTooLarge };
    if (this.table.generation === generation) {
      this.remembered.add(bytes, start, end, { generation, headers });
    }
    return headers;
  }

  /** RFC 7541, sections 4.2 and 6.3. */
  private readSizeUpdates(): void {
    for (let count = 0; !this.reader.isAtEnd && this.reader.peek() >> 5 === 1; count++) {
      if (count === sizeUpdatesMax) throw new HpackError('too many table size updates');
      const bytes = this.reader.readInteger(5);
      if (bytes > this.limits.tableBytesMax) throw new HpackError('table size above the limit');
      this.table.resize(bytes);
    }
  }

  /** RFC 7541, sections 6.1 and 6.2. */
  private readField(): void {
    const reader = this.reader;
    const first = reader.peek();
    if (first >= 0x80) {
      const index = reader.readInteger(7);
      this.keep(this.nameAt(index), this.valueAt(index));
    } else if (first >= 0x40) {
      const name = this.readName(6);
      const value = reader.readString();
      this.table.insert(name, value);
      this.keep(name, value);
    } else if (first >= 0x20) {
      throw new HpackError('table size update after a field');
    } else {
      // Without indexing, or never indexed: one for who decodes and sends nothing on.
      const name = this.readName(4);
      this.keep(name, reader.readString());
    }
  }

  private readName(prefixBits: number): string {
    const index = this.reader.readInteger(prefixBits);
    return index === 0 ? this.reader.readString() : this.nameAt(index);
  }

  private nameAt(index: number): string {
    if (index > staticLength) return this.table.nameAt(this.positionOf(index));
    if (index === 0) throw new HpackError('index 0');
    return staticNames[index] as string;
  }

  /** After `nameAt`, which has checked the index. */
  private valueAt(index: number): string {
    if (index > staticLength) return this.table.valueAt(index - staticLength - 1);
    return staticValues[index] as string;
  }

  private positionOf(index: number): number {
    const position = index - staticLength - 1;
    if (position >= this.table.length) throw new HpackError('index beyond the tables');
    return position;
  }

  /** What is beyond the limit costs no memory, however often a block repeats it. */
  private keep(name: string, value: string): void {
    this.listBytes += name.length + value.length + fieldOverheadBytes;
    if (this.listBytes > this.limits.listBytesMax) this.isTooLarge = true;
    else this.fields.push(name, value);
  }
}
