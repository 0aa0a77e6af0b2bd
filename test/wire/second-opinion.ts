import { fromJSON, loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import type { Bytes } from '../../src/base/bytes.ts';
import type { Codec } from '../../src/wire/message.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';

/** protobufjs, by way of @grpc/proto-loader and proto/: what our codecs are held against. */

const definitions = loadSync(['rpc.proto', 'lock.proto', 'election.proto', 'health.proto'], {
  includeDirs: ['proto'],
  longs: String,
  defaults: true,
  arrays: true,
  oneofs: true,
});

export { definitions };

/** Messages of our own that no file of proto/ has, for only the log holds them. */
const ownDefinitions = fromJSON(
  {
    nested: {
      quorate: {
        nested: {
          LeaseExpiry: {
            fields: { term: { type: 'uint64', id: 1 }, ids: repeated('int64', 2) },
          },
          MemberAttributes: {
            fields: {
              memberId: { type: 'uint64', id: 1 },
              name: { type: 'string', id: 2 },
              clientUrls: repeated('string', 3),
              incarnation: { type: 'uint64', id: 4 },
            },
          },
          MemberPeerUrls: {
            fields: { memberId: { type: 'uint64', id: 1 }, peerUrls: repeated('string', 2) },
          },
        },
      },
    },
  },
  { longs: String, defaults: true, arrays: true },
);

function repeated(type: string, id: number): { rule: 'repeated'; type: string; id: number } {
  return { rule: 'repeated', type, id };
}

export type Plain = Readonly<Record<string, unknown>>;

export function otherCodec(name: string): MessageTypeDefinition<object, object> {
  const definition = definitions[name] ?? ownDefinitions[name];
  if (definition === undefined || !('serialize' in definition)) {
    throw new Error(`proto/ has no message ${name}`);
  }
  return definition as MessageTypeDefinition<object, object>;
}

/** Fields that our codecs leave encoded. */
const rawFields: ReadonlySet<string> = new Set(['kv', 'kvs', 'prevKv', 'prevKvs']);

/** Names that etcd spells in another way. */
const spellings: Readonly<Record<string, string>> = {
  id: 'ID',
  memberId: 'memberID',
  targetId: 'targetID',
  peerUrls: 'peerURLs',
  clientUrls: 'clientURLs',
  ttl: 'TTL',
  grantedTtl: 'grantedTTL',
  remainingTtl: 'remaining_TTL',
  revision: 'rev',
  request: 'requestUnion',
};

export function encodeOther(name: string, message: object): Bytes {
  return otherCodec(name).serialize(toOther(message as Plain));
}

function toOther(message: Plain): Plain {
  const other: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message)) {
    if (isChosen(value)) other[value.case] = valueToOther(value.case, value.value);
    else if (value !== undefined) {
      other[name] = valueToOther(name, value);
      // The one of the two names that the message does not have is passed over.
      const spelling = spellings[name];
      if (spelling !== undefined) other[spelling] = other[name];
    }
  }
  return other;
}

function valueToOther(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => valueToOther(name, item));
  if (value instanceof Uint8Array) {
    return rawFields.has(name) ? toOther(KeyValue.decode(value)) : Buffer.from(value);
  }
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'object' && value !== null ? toOther(value as Plain) : value;
}

/** What the other codec reads, in the shape that ours gives to the same message. */
export function decodeOther<M>(codec: Codec<M>, encoded: Bytes): unknown {
  const other = otherCodec(codec.name).deserialize(Buffer.from(encoded));
  return fromOther(codec.decode(encoded) as Plain, other as Plain);
}

/** `like` says what a value's type is in our shape; the values are all the other's. */
function fromOther(like: Plain, other: Plain): Plain {
  const message: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(like)) {
    const spelling = spellings[name] ?? name;
    const found = spelling in other ? other[spelling] : other[name];
    if (isChosen(value)) {
      const chosen = found as string;
      message[name] = { case: chosen, value: valueFromOther(chosen, value.value, other[chosen]) };
    } else message[name] = valueFromOther(name, value, found);
  }
  return message;
}

function valueFromOther(name: string, like: unknown, found: unknown): unknown {
  if (Array.isArray(found)) {
    const likes = Array.isArray(like) ? like : [];
    return found.map((item, i) => valueFromOther(name, likes[i], item));
  }
  if (found === null || found === undefined) return undefined;
  switch (typeof like) {
    case 'bigint':
      return BigInt(found as string);
    case 'number':
      return Number(found);
    case 'object':
      if (!(like instanceof Uint8Array)) return fromOther(like as Plain, found as Plain);
      if (!rawFields.has(name)) return new Uint8Array(found as Uint8Array);
      return KeyValue.encode(fromOther(KeyValue.create(), found as Plain));
    default:
      return found;
  }
}

function isChosen(value: unknown): value is { readonly case: string; readonly value: unknown } {
  return typeof value === 'object' && value !== null && 'case' in value && 'value' in value;
}
