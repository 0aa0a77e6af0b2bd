import { concatBytes, emptyBytes, textOf, utf8, type Bytes } from '../base/bytes.ts';
import { malformed, nestingMax, WireError, WireReader, WireWriter } from './varint.ts';

/**
 * Table-driven Protocol Buffers (proto3): a message is a table of fields, from which its TypeScript type, its
 * encoder and its decoder follow. Decoded `bytes` are views of the input; whoever keeps them longer than the
 * input copies them. A field of the wrong wire type counts as unknown, as in protobuf-go.
 */

/** How one kind of field reads, writes and defaults. `Value` is the field's TypeScript type. */
export interface Field<Value> {
  readonly kind: 'single' | 'repeated' | 'oneof';
  /** Field numbers this entry answers for: one, or those of a oneof's cases. */
  readonly numbers: readonly number[];
  readonly initial: () => Value;
  /** Reads one occurrence; answers undefined where the wire type is not the field's. */
  readonly read: (
    cursor: DecodeCursor,
    number: number,
    wireType: number,
    old: Value,
  ) => Value | undefined;
  readonly write: (writer: WireWriter, value: Value) => void;
}

/** A reader and what the decoding of the whole message has come upon so far. */
export interface DecodeCursor {
  readonly reader: WireReader;
  /** Messages around the one being read. */
  depth: number;
  hasUnknownFields: boolean;
  rawMerges: number;
}

/**
 * Occurrences of raw message fields that are joined to one before them, in a whole message. No encoder writes
 * any; each copies what was there, so that unbounded they would take quadratic time.
 */
const rawMergesMax = 16;

export interface Codec<Message> {
  /** The full name, for example `etcdserverpb.PutRequest`. */
  readonly name: string;
  /** A whole message; fields left out have their defaults. */
  create(fields?: Partial<Message>): Message;
  /** Encodes in field-number order; fields at their default are left out, as in every proto3 encoder. */
  encode(fields: Partial<Message>): Bytes;
  /** @throws WireError when the bytes are not a valid message. */
  decode(bytes: Bytes): Message;
  /** Decodes, and says whether anything was there that the table does not know. */
  inspect(bytes: Bytes): { readonly message: Message; readonly hasUnknownFields: boolean };
  readInto(cursor: DecodeCursor, previous?: Message): Message;
  writeTo(writer: WireWriter, message: Partial<Message>): void;
}

/** What a table entry shows whatever its value's type; the rest of `Field` is not covariant in it. */
type AnyField = Pick<Field<unknown>, 'kind' | 'numbers' | 'initial'>;
type Shape = Readonly<Record<string, AnyField>>;
type ValueOf<F> = F extends { readonly initial: () => infer Value } ? Value : never;
type MessageOfShape<S> = { readonly [K in keyof S]: ValueOf<S[K]> };
/** The TypeScript type of a codec's messages. */
export type MessageOf<C> = C extends Codec<infer Message> ? Message : never;

interface Entry {
  readonly key: string;
  readonly field: Field<unknown>;
}

export function message<S extends Shape>(name: string, shape: S): Codec<MessageOfShape<S>> {
  return buildCodec<MessageOfShape<S>>(name, shape as Shape as Record<string, Field<unknown>>);
}

function buildCodec<M>(name: string, shape: Record<string, Field<unknown>>): Codec<M> {
  const entries: Entry[] = Object.entries(shape).map(([key, field]) => ({ key, field }));
  const backwards = entries.toReversed();
  const byNumber = new Map<number, Entry>();
  for (const entry of entries)
    for (const number of entry.field.numbers) byNumber.set(number, entry);

  // A copy of one object is made far faster than an object field by field; lists alone are not shared.
  const defaults: Record<string, unknown> = {};
  for (const { key, field } of entries) defaults[key] = field.initial();
  const lists = entries.filter(({ field }) => field.kind === 'repeated').map(({ key }) => key);
  const create = (fields?: Partial<M>): M => {
    const whole: Record<string, unknown> = { ...defaults, ...fields };
    for (const key of lists) if (whole[key] === defaults[key]) whole[key] = [];
    return whole as M;
  };
  const readInto = (cursor: DecodeCursor, previous?: M): M => {
    const target = (previous ?? create()) as Record<string, unknown>;
    const { reader } = cursor;
    while (!reader.atEnd) {
      const tag = reader.readTag();
      const wireType = tag & 7;
      const number = tag >>> 3;
      const entry = byNumber.get(number);
      const value = entry?.field.read(cursor, number, wireType, target[entry.key]);
      if (entry === undefined || value === undefined) {
        skipUnknown(cursor, tag);
      } else target[entry.key] = value;
    }
    return target as M;
  };
  const writeTo = (writer: WireWriter, fields: Partial<M>): void => {
    const source = fields as Record<string, unknown>;
    for (const { key, field } of backwards) {
      const value = source[key];
      if (value !== undefined) field.write(writer, value);
    }
  };
  return codecOf({ name, create, readInto, writeTo });
}

/** What a codec is made of, by a table or by hand. */
export interface CodecParts<M> extends Pick<Codec<M>, 'name' | 'create' | 'readInto' | 'writeTo'> {
  /** Encoded messages share memory with each other: only for what is sent and forgotten (`WireWriter`). */
  readonly sharesMemory?: boolean;
}

export function codecOf<M>(parts: CodecParts<M>): Codec<M> {
  const { name, create, readInto, writeTo, sharesMemory = false } = parts;
  // One writer for all messages of a codec, as none is encoded while another is.
  const writer = new WireWriter();
  const read = (bytes: Bytes): { message: M; cursor: DecodeCursor } => {
    const reader = new WireReader(bytes);
    const cursor = { reader, depth: 0, hasUnknownFields: false, rawMerges: 0 };
    return { message: readInto(cursor), cursor };
  };
  return {
    name,
    create,
    encode: (fields) => {
      writer.clear();
      writeTo(writer, fields);
      return sharesMemory ? writer.finishShared() : writer.finish();
    },
    decode: (bytes) => read(bytes).message,
    inspect: (bytes) => {
      const { message, cursor } = read(bytes);
      return { message, hasUnknownFields: cursor.hasUnknownFields };
    },
    readInto,
    writeTo,
  };
}

/** Steps over a field that the message does not have, or that has another wire type. */
export function skipUnknown(cursor: DecodeCursor, tag: number): void {
  cursor.hasUnknownFields = true;
  cursor.reader.skip(tag & 7, tag >>> 3);
}

const varint = 0;
const delimited = 2;

function single<Value>(
  number: number,
  wireType: number,
  initial: () => Value,
  read: (cursor: DecodeCursor, old: Value) => Value,
  write: (writer: WireWriter, value: Value) => boolean,
): Field<Value> {
  return {
    kind: 'single',
    numbers: [number],
    initial,
    read: (cursor, _number, found, old) => (found === wireType ? read(cursor, old) : undefined),
    write: (writer, value) => {
      if (write(writer, value)) writer.writeTag(number, wireType);
    },
  };
}

function scalar<Value>(
  number: number,
  zero: Value,
  read: (reader: WireReader) => Value,
  write: (writer: WireWriter, value: Value) => void,
): Field<Value> {
  return single(
    number,
    varint,
    () => zero,
    ({ reader }) => {
      reader.readVarint();
      return read(reader);
    },
    (writer, value) => {
      if (value === zero) return false;
      write(writer, value);
      return true;
    },
  );
}

const writeNumber = (writer: WireWriter, value: number): void => writer.writeNumber(value);
const writeBig = (writer: WireWriter, value: bigint): void => writer.writeBig(value);

/** A signed 64-bit integer of the client's that is compared with our counters: saturates at +-(2^53 - 1). */
export const int64 = (number: number): Field<number> =>
  scalar(number, 0, (reader) => reader.signedSaturating(), writeNumber);

/** An unsigned 64-bit counter (term, index): saturates at 2^53 - 1. */
export const uint64 = (number: number): Field<number> =>
  scalar(number, 0, (reader) => reader.unsignedSaturating(), writeNumber);

/** A signed 64-bit identifier, exact: lease and watch ids. */
export const int64Id = (number: number): Field<bigint> =>
  scalar(number, 0n, (reader) => reader.signedBig(), writeBig);

/** An unsigned 64-bit identifier, exact: member and cluster ids. */
export const uint64Id = (number: number): Field<bigint> =>
  scalar(number, 0n, (reader) => reader.unsignedBig(), writeBig);

export const uint32 = (number: number): Field<number> =>
  scalar(number, 0, (reader) => reader.low, writeNumber);

/** An enum's number; values that no name stands for are kept, as proto3 asks. */
export const enumeration = (number: number): Field<number> =>
  scalar(number, 0, (reader) => reader.low | 0, writeNumber);

export const bool = (number: number): Field<boolean> =>
  scalar(
    number,
    false,
    (reader) => reader.low !== 0 || reader.high !== 0,
    (writer) => writer.writeNumber(1),
  );

export const bytes = (number: number): Field<Bytes> =>
  single(
    number,
    delimited,
    () => emptyBytes,
    ({ reader }) => reader.readDelimited(),
    (writer, value) => {
      if (value.length === 0) return false;
      writeDelimited(writer, value);
      return true;
    },
  );

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const string = (number: number): Field<string> =>
  single(
    number,
    delimited,
    () => '',
    ({ reader }) => readText(reader.readDelimited()),
    (writer, value) => {
      if (value === '') return false;
      writeDelimited(writer, utf8(value));
      return true;
    },
  );

function readText(encoded: Bytes): string {
  try {
    return encoded.length < 16 ? shortText(encoded) : strictUtf8.decode(encoded);
  } catch {
    throw new WireError('string field contains invalid UTF-8');
  }
}

function shortText(encoded: Bytes): string {
  for (const byte of encoded) if (byte >= 0x80) return strictUtf8.decode(encoded);
  return textOf(encoded);
}

function writeDelimited(writer: WireWriter, value: Bytes): void {
  writer.writeBytes(value);
  writer.writeNumber(value.length);
}

/** A nested message; absent is `undefined`. A function breaks the cycle of a message that holds itself. */
export const nested = <M>(
  number: number,
  codec: Codec<M> | (() => Codec<M>),
): Field<M | undefined> =>
  single<M | undefined>(
    number,
    delimited,
    () => undefined,
    (cursor, old) => readNested(cursor, resolve(codec), old),
    (writer, value) => {
      if (value === undefined) return false;
      writeNested(writer, resolve(codec), value);
      return true;
    },
  );

/** A nested message left encoded: its bytes are passed on as they are. */
export const rawNested = (number: number): Field<Bytes | undefined> =>
  single<Bytes | undefined>(
    number,
    delimited,
    () => undefined,
    readRaw,
    (writer, value) => {
      if (value === undefined) return false;
      writeDelimited(writer, value);
      return true;
    },
  );

/** proto3 merges a message field that occurs twice; joined encodings decode as the merged message. */
export function readRaw(cursor: DecodeCursor, old: Bytes | undefined): Bytes {
  const next = cursor.reader.readDelimited();
  if (old === undefined) return next;
  cursor.rawMerges += 1;
  if (cursor.rawMerges > rawMergesMax) throw new WireError(malformed);
  return concatBytes([old, next]);
}

function resolve<M>(codec: Codec<M> | (() => Codec<M>)): Codec<M> {
  return typeof codec === 'function' ? codec() : codec;
}

export function readNested<M>(cursor: DecodeCursor, codec: Codec<M>, old: M | undefined): M {
  if (cursor.depth === nestingMax) throw new WireError('proto: exceeded maximum recursion depth');
  const outerEnd = cursor.reader.enter();
  cursor.depth += 1;
  const value = codec.readInto(cursor, old);
  cursor.depth -= 1;
  cursor.reader.leave(outerEnd);
  return value;
}

function writeNested<M>(writer: WireWriter, codec: Codec<M>, value: M): void {
  const before = writer.length;
  codec.writeTo(writer, value as Partial<M>);
  writer.writeNumber(writer.length - before);
}

/** A nested message with its tag. */
export function nestedField<M>(writer: WireWriter, tag: number, codec: Codec<M>, value: M): void {
  writeNested(writer, codec, value);
  writer.writeNumber(tag);
}

/** One field for each value. */
export function nestedFields<M>(
  writer: WireWriter,
  tag: number,
  codec: Codec<M>,
  values: readonly M[],
): void {
  for (let i = values.length - 1; i >= 0; i--) nestedField(writer, tag, codec, values[i] as M);
}

function repeatedDelimited<Value>(
  number: number,
  read: (cursor: DecodeCursor) => Value,
  write: (writer: WireWriter, value: Value) => void,
): Field<readonly Value[]> {
  return {
    kind: 'repeated',
    numbers: [number],
    initial: () => [],
    read: (cursor, _number, wireType, old) => {
      if (wireType !== delimited) return undefined;
      // The array was made by this decoding (`initial`), so it may grow in place.
      (old as Value[]).push(read(cursor));
      return old;
    },
    write: (writer, values) => {
      for (let i = values.length - 1; i >= 0; i--) {
        write(writer, values[i] as Value);
        writer.writeTag(number, delimited);
      }
    },
  };
}

export const repeatedNested = <M>(
  number: number,
  codec: Codec<M> | (() => Codec<M>),
): Field<readonly M[]> =>
  repeatedDelimited(
    number,
    (cursor) => readNested(cursor, resolve(codec), undefined),
    (writer, value) => writeNested(writer, resolve(codec), value),
  );

/** Repeated messages left encoded: a Range answer carries stored `KeyValue` bytes without decoding them. */
export const repeatedRaw = (number: number): Field<readonly Bytes[]> =>
  repeatedDelimited(number, ({ reader }) => reader.readDelimited(), writeDelimited);

export const repeatedString = (number: number): Field<readonly string[]> =>
  repeatedDelimited(
    number,
    ({ reader }) => readText(reader.readDelimited()),
    (writer, value) => writeDelimited(writer, utf8(value)),
  );

function repeatedVarint<Value>(
  number: number,
  read: (reader: WireReader) => Value,
  write: (writer: WireWriter, value: Value) => void,
): Field<readonly Value[]> {
  const readOne = (reader: WireReader, into: Value[]): void => {
    reader.readVarint();
    into.push(read(reader));
  };
  return {
    kind: 'repeated',
    numbers: [number],
    initial: () => [],
    read: (cursor, _number, wireType, old) => {
      const values = old as Value[];
      if (wireType === varint) readOne(cursor.reader, values);
      else if (wireType === delimited) {
        const outerEnd = cursor.reader.enter();
        while (!cursor.reader.atEnd) readOne(cursor.reader, values);
        cursor.reader.leave(outerEnd);
      } else return undefined;
      return values;
    },
    write: (writer, values) => {
      if (values.length === 0) return;
      const before = writer.length;
      for (let i = values.length - 1; i >= 0; i--) write(writer, values[i] as Value);
      writer.writeNumber(writer.length - before);
      writer.writeTag(number, delimited);
    },
  };
}

export const repeatedEnumeration = (number: number): Field<readonly number[]> =>
  repeatedVarint(number, (reader) => reader.low | 0, writeNumber);

export const repeatedUint64Id = (number: number): Field<readonly bigint[]> =>
  repeatedVarint(number, (reader) => reader.unsignedBig(), writeBig);

export const repeatedInt64Id = (number: number): Field<readonly bigint[]> =>
  repeatedVarint(number, (reader) => reader.signedBig(), writeBig);

/** One of several fields: `{ case, value }`, or undefined when none is set. */
export type OneofOf<Cases> = {
  readonly [K in keyof Cases]: {
    readonly case: K;
    readonly value: Exclude<ValueOf<Cases[K]>, undefined>;
  };
}[keyof Cases];

export function oneof<Cases extends Shape>(cases: Cases): Field<OneofOf<Cases> | undefined> {
  type Chosen = { readonly case: string; readonly value: unknown };
  const fields = cases as Shape as Record<string, Field<unknown>>;
  const byNumber = new Map<number, readonly [string, Field<unknown>]>();
  for (const [key, field] of Object.entries(fields)) {
    for (const number of field.numbers) byNumber.set(number, [key, field]);
  }
  return {
    kind: 'oneof',
    numbers: [...byNumber.keys()],
    initial: () => undefined,
    read: (cursor, number, wireType, old) => {
      const found = byNumber.get(number);
      if (found === undefined) return undefined;
      const [key, field] = found;
      const chosen = old as Chosen | undefined;
      const before = chosen?.case === key ? chosen.value : field.initial();
      const value = field.read(cursor, number, wireType, before);
      return value === undefined ? undefined : ({ case: key, value } as OneofOf<Cases>);
    },
    write: (writer, value) => {
      const chosen = value as Chosen | undefined;
      const field = chosen === undefined ? undefined : fields[chosen.case];
      if (chosen === undefined || field === undefined) return;
      const before = writer.length;
      field.write(writer, chosen.value);
      // A chosen case is written even at its default; only scalars leave that out by themselves.
      if (writer.length === before) writeDefault(writer, field, chosen.value);
    },
  };
}

function writeDefault(writer: WireWriter, field: Field<unknown>, value: unknown): void {
  const isDelimited = typeof value === 'object' || typeof value === 'string';
  writer.writeNumber(0);
  writer.writeTag(field.numbers[0] as number, isDelimited ? delimited : varint);
}
