import * as fc from 'fast-check';
import type { Bytes } from '../../src/base/bytes.ts';
import type { Member } from '../../src/wire/cluster.ts';
import type { ResponseHeader } from '../../src/wire/header.ts';
import type { Codec } from '../../src/wire/message.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';

/** What random messages are made of, the ends of every number's range included. */

export interface Case {
  readonly codec: Codec<object>;
  readonly messages: fc.Arbitrary<object>;
}

export function testCase<M extends object>(codec: Codec<M>, messages: fc.Arbitrary<M>): Case {
  return { codec: codec as unknown as Codec<object>, messages };
}

/** Fields as our type has them, with arrays that may be read only. */
type Arbitraries<M> = { readonly [K in keyof M]: fc.Arbitrary<M[K]> };

const max = Number.MAX_SAFE_INTEGER;
export const someBytes: fc.Arbitrary<Bytes> = fc.oneof(
  fc.uint8Array({ maxLength: 8 }),
  fc.constantFrom(127, 128, 300).map((length) => new Uint8Array(length).fill(0xab)),
);
export const signed = fc.oneof(
  fc.constantFrom(0, 1, -1, 127, 128, 2 ** 31, -(2 ** 31), 2 ** 32, max, -max),
  fc.maxSafeInteger(),
);
export const unsigned = fc.oneof(fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, max), fc.maxSafeNat());
export const signedId = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
export const unsignedId = fc.oneof(
  fc.constantFrom(0n, 1n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
export const text = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
export const texts = fc.array(text, { maxLength: 3 });
export const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
/** Also numbers that no name stands for, which proto3 keeps. */
export const enumOf = (last: number): fc.Arbitrary<number> =>
  fc.oneof(fc.integer({ min: 0, max: last }), fc.constantFrom(-1, 99, 2 ** 31 - 1));
export const flag = fc.boolean();
export const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(of, { nil: undefined });
export const some = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { maxLength: 3 });

export const record = <M>(fields: Arbitraries<M>): fc.Arbitrary<M> =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<M>;

export const header = record<ResponseHeader>({
  clusterId: unsignedId,
  memberId: unsignedId,
  revision: signed,
  raftTerm: unsigned,
});
export const keyValue = record<KeyValue>({
  key: someBytes,
  createRevision: signed,
  modRevision: signed,
  version: signed,
  value: someBytes,
  lease: signedId,
});
export const rawKeyValue = keyValue.map((fields) => KeyValue.encode(fields));
export const withHeader = record({ header: maybe(header) });

export const chosen = <Name extends string, T>(
  name: Name,
  value: fc.Arbitrary<T>,
): fc.Arbitrary<{ readonly case: Name; readonly value: T }> =>
  value.map((made) => ({ case: name, value: made }));

export const member = record<Member>({
  id: unsignedId,
  name: text,
  peerUrls: texts,
  clientUrls: texts,
  isLearner: flag,
});

export const nothing = fc.constant({});
