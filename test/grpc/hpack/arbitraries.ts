import * as fc from 'fast-check';
import type { HeaderList } from '../../../src/grpc/hpack/types.ts';

/** Any Latin-1 text: one character a byte. */
export const latin1Texts = fc
  .uint8Array({ maxLength: 200 })
  .map((bytes) => String.fromCharCode(...bytes));

/** Few names and values, so that they come again, some of each kind that the encoder tells apart. */
const names = fc.oneof(
  fc.constantFrom(':path', ':status', 'content-type', 'grpc-status', 'grpc-timeout', 'token'),
  fc.constantFrom('a', 'b', 'c', 'authorization', 'grpc-message', 'custom-name'),
  latin1Texts,
);
const values = fc.oneof(
  fc.constantFrom('', '0', '200', '/', '/etcdserverpb.KV/Put', 'application/grpc'),
  fc.nat(30).map(String),
  fc.nat(5_000).map((length) => 'v'.repeat(length)),
  latin1Texts,
);

export const headerLists: fc.Arbitrary<HeaderList> = fc
  .array(fc.tuple(names, values), { maxLength: 12 })
  .map((fields) => fields.flat());
