import type { Choice } from './choice.ts';
import type { WireValue } from '../members/protocol.ts';
import { Names } from './names.ts';
import { encodeOperation, type Call, type Operation } from './operation.ts';

/** Requests from someone who read etcd's proto and not its code, or no proto at all. */

/** An unknown field of number 1000: as a varint, and as bytes. */
const unknownFields = [
  Buffer.from([0xc0, 0x3e, 0x05]),
  Buffer.from([0xc2, 0x3e, 0x03, 0x61, 0x62, 0x63]),
];
/** Field 1, which is bytes in every request of KV but Compact's, as a varint. */
const wrongWireType = Buffer.from([0x08, 0x07]);
/** A varint of eleven bytes. */
const overlongVarint = Buffer.from([0x18, ...Array.from({ length: 10 }, () => 0xff), 0x01]);
/** Field 1000 as a group, begun and ended. */
const group = Buffer.from([0xc3, 0x3e, 0xc4, 0x3e]);
const groupWithoutEnd = Buffer.from([0xc3, 0x3e]);
const fieldNumberZero = Buffer.from([0x00, 0x01]);

export function malformed(choice: Choice, original: Call): Operation {
  const bytes = Buffer.from(encodeOperation(original, new Names()));
  if (choice.percent(12)) return doubled(original, bytes);
  const changed = choice.weighted<Uint8Array>([
    [4, () => Buffer.concat([bytes, choice.of(unknownFields)])],
    [2, () => Buffer.concat([choice.of(unknownFields), bytes])],
    [3, () => bytes.subarray(0, Math.max(0, bytes.length - choice.between(1, 3)))],
    [2, () => Buffer.concat([bytes, wrongWireType])],
    [1, () => Buffer.concat([bytes, overlongVarint])],
    [1, () => Buffer.concat([bytes, choice.of([group, groupWithoutEnd, fieldNumberZero])])],
    [1, () => Buffer.from(Array.from({ length: 12 }, () => choice.below(256)))],
    [1, () => Buffer.alloc(0)],
  ]);
  return { ...original, kind: 'bytes', bytes: changed };
}

/** A message twice in a row is one message: the last of single fields counts, repeated ones add up. */
function doubled(original: Call, bytes: Uint8Array): Operation {
  const entries = Object.entries(original.request).map(([field, value]): [string, WireValue] => [
    field,
    Array.isArray(value) ? [...(value as readonly WireValue[]), ...value] : value,
  ]);
  return {
    ...original,
    kind: 'bytes',
    bytes: Buffer.concat([bytes, bytes]),
    request: Object.fromEntries(entries),
  };
}

const strangePaths = [
  '/etcdserverpb.KV/Nothing',
  '/etcdserverpb.Nothing/Range',
  '/etcdserverpb.KV/range',
  '/Range',
];

export function strangePath(choice: Choice): Operation {
  return { kind: 'path', path: choice.of(strangePaths) };
}
