import type { Choice } from './choice.ts';
import type { World } from './world.ts';

/** Keys, ends of ranges, values and revisions, the odd ones more often than clients send them. */

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const plainKeys = [
  'a',
  'aa',
  'ab',
  'b',
  'c',
  'd',
  'foo',
  'foo/',
  'foo/1',
  'foo/2',
  'foo/10',
  'fop',
];
const countedKeys = Array.from({ length: 24 }, (_, i) => `k${String(i).padStart(2, '0')}`);
const oddKeys = [
  '\0',
  '\0\0',
  '\0a',
  'a\0',
  'a\0b',
  'a\xff',
  '\xff',
  '\xff\xff',
  '\xff\xfe',
  '\xc3\xa9',
  '\xc3',
  ' ',
  'A',
  'x'.repeat(200),
  `${'x'.repeat(200)}y`,
];
const hugeKeys = ['h'.repeat(8_192), `h${'\0'.repeat(40_000)}`].map(latin1);
const commonKeys = [...plainKeys, ...countedKeys, ...oddKeys].map(latin1);

/** Keys that bulk loads write, so that a range is long enough to be cut and streamed. */
const bulkKeys = 400;
export const bulkPrefix = 'bulk/';
export const bulkKey = (index: number): Buffer =>
  latin1(`${bulkPrefix}${String(index % bulkKeys).padStart(4, '0')}`);

export function someKey(choice: Choice): Buffer {
  return choice.weighted<Buffer>([
    [900, () => choice.of(commonKeys)],
    [60, () => bulkKey(choice.below(bulkKeys))],
    [12, () => choice.of(hugeKeys)],
    [10, () => latin1('')],
  ]);
}

/** The end of the range of keys that start with `key`; a lone zero byte where there is no such end. */
export function prefixEnd(key: Uint8Array): Buffer {
  const end = Buffer.from(key);
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] as number;
    if (byte < 0xff) {
      end[i] = byte + 1;
      return end.subarray(0, i + 1);
    }
  }
  return latin1('\0');
}

export function someRangeEnd(choice: Choice, key: Buffer): Buffer {
  return choice.weighted<Buffer>([
    [35, () => latin1('')],
    [15, () => prefixEnd(key)],
    [10, () => latin1('\0')],
    [5, () => key],
    [5, () => Buffer.concat([key, latin1('\0')])],
    [5, () => key.subarray(0, Math.max(0, key.length - 1))],
    [3, () => latin1('\0\0')],
    [3, () => latin1('\xff')],
    [20, () => someKey(choice)],
  ]);
}

const fill = Buffer.alloc(2_300_000, 'v');
const maxRequestBytes = 1_572_864;

/** Few distinct values, so that sorting by value meets ties. */
export function someValue(choice: Choice): Buffer {
  return choice.weighted<Buffer>([
    [200, () => latin1(`v${choice.below(6)}`)],
    [40, () => latin1('')],
    [20, () => latin1(`value-${choice.below(1_000_000)}`)],
    [10, () => latin1('\0\xff\xc3(')],
    [10, () => fill.subarray(0, choice.between(100, 2_000))],
    [1, () => fill.subarray(0, choice.between(10_000, 60_000))],
  ]);
}

/** Three of them are taken in one transaction, and are above what a watch is told in one piece with their old ones. */
export function largeValue(choice: Choice): Buffer {
  return fill.subarray(0, choice.between(400_000, 500_000));
}

/** Near the top of what is taken, above it, and above what the transport lets through. */
export function hugeValue(choice: Choice): Buffer {
  const sizeBytes = choice.of([1_400_000, maxRequestBytes - 500, maxRequestBytes + 500, 2_200_000]);
  return fill.subarray(0, sizeBytes);
}

const extremes = ['9223372036854775807', '9007199254740993', '-9223372036854775808', '-1', '1'];

/** A revision to read at; mostly one that can be read. */
export function someRevision(choice: Choice, world: World): string {
  const { revision, compacted } = world;
  return choice.weighted<string>([
    [30, () => String(choice.between(Math.max(1, compacted), revision))],
    [6, () => String(compacted + choice.between(-1, 1))],
    [6, () => String(revision + choice.between(-1, 1))],
    [1, () => String(revision + 1_000)],
    [2, () => choice.of(extremes)],
    [1, () => '0'],
  ]);
}

export function someLimit(choice: Choice): string {
  return choice.weighted<string>([
    [20, () => String(choice.between(1, 12))],
    [6, () => String(choice.between(90, 110))],
    [3, () => choice.of(extremes)],
  ]);
}
