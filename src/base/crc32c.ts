import type { Bytes } from './bytes.ts';

/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), reflected polynomial 0x82f63b78, eight bytes a step
 * ("slicing by 8", Kounavis and Berry 2005). It guards log entries and rows, and is HashKV's function.
 */
const tables = buildTables();

function buildTables(): readonly Int32Array[] {
  const first = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[i] = crc;
  }
  const built = [first];
  for (let k = 1; k < 8; k++) {
    const previous = built[k - 1] as Int32Array;
    const table = new Int32Array(256);
    for (let i = 0; i < 256; i++) {
      const crc = previous[i] as number;
      table[i] = (first[crc & 0xff] as number) ^ (crc >>> 8);
    }
    built.push(table);
  }
  return built;
}

const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as readonly [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/** The checksum of `bytes`, or, given the checksum of what came before, of both one after the other. */
export function crc32c(bytes: Bytes, previous = 0): number {
  let crc = ~previous;
  const length = bytes.length;
  let i = 0;
  for (; i + 8 <= length; i += 8) {
    crc ^=
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    crc =
      (t7[crc & 0xff] as number) ^
      (t6[(crc >>> 8) & 0xff] as number) ^
      (t5[(crc >>> 16) & 0xff] as number) ^
      (t4[crc >>> 24] as number) ^
      (t3[bytes[i + 4] as number] as number) ^
      (t2[bytes[i + 5] as number] as number) ^
      (t1[bytes[i + 6] as number] as number) ^
      (t0[bytes[i + 7] as number] as number);
  }
  for (; i < length; i++) crc = (t0[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}
