import { emptyBytes, type Bytes } from '../base/bytes.ts';
import { ResponseHeader } from './header.ts';
import {
  codecOf,
  nestedField,
  readNested,
  skipUnknown,
  type Codec,
  type DecodeCursor,
} from './message.ts';

/** Range by hand, the one that is asked most (message.ts). */

export interface RangeRequest {
  readonly key: Bytes;
  readonly rangeEnd: Bytes;
  readonly limit: number;
  readonly revision: number;
  readonly sortOrder: number;
  readonly sortTarget: number;
  readonly serializable: boolean;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}

const keyTag = 0x0a;
const rangeEndTag = 0x12;
const limitTag = 0x18;
const revisionTag = 0x20;
const sortOrderTag = 0x28;
const sortTargetTag = 0x30;
const serializableTag = 0x38;
const keysOnlyTag = 0x40;
const countOnlyTag = 0x48;
const minModRevisionTag = 0x50;
const maxModRevisionTag = 0x58;
const minCreateRevisionTag = 0x60;
const maxCreateRevisionTag = 0x68;

const emptyRequest: RangeRequest = {
  key: emptyBytes,
  rangeEnd: emptyBytes,
  limit: 0,
  revision: 0,
  sortOrder: 0,
  sortTarget: 0,
  serializable: false,
  keysOnly: false,
  countOnly: false,
  minModRevision: 0,
  maxModRevision: 0,
  minCreateRevision: 0,
  maxCreateRevision: 0,
};

export const RangeRequest: Codec<RangeRequest> = codecOf<RangeRequest>({
  name: 'etcdserverpb.RangeRequest',
  create: (fields) => ({ ...emptyRequest, ...fields }),
  readInto: readRequest,
  writeTo: (writer, request) => {
    writer.numberField(maxCreateRevisionTag, request.maxCreateRevision);
    writer.numberField(minCreateRevisionTag, request.minCreateRevision);
    writer.numberField(maxModRevisionTag, request.maxModRevision);
    writer.numberField(minModRevisionTag, request.minModRevision);
    writer.boolField(countOnlyTag, request.countOnly);
    writer.boolField(keysOnlyTag, request.keysOnly);
    writer.boolField(serializableTag, request.serializable);
    writer.numberField(sortTargetTag, request.sortTarget);
    writer.numberField(sortOrderTag, request.sortOrder);
    writer.numberField(revisionTag, request.revision);
    writer.numberField(limitTag, request.limit);
    writer.bytesField(rangeEndTag, request.rangeEnd);
    writer.bytesField(keyTag, request.key);
  },
});

type Mutable<M> = { -readonly [K in keyof M]: M[K] };

function readRequest(cursor: DecodeCursor, previous: RangeRequest = emptyRequest): RangeRequest {
  const { reader } = cursor;
  const request: Mutable<RangeRequest> = { ...previous };
  while (!reader.atEnd) {
    const tag = reader.readTag();
    switch (tag) {
      case keyTag:
        request.key = reader.readDelimited();
        break;
      case rangeEndTag:
        request.rangeEnd = reader.readDelimited();
        break;
      case limitTag:
        request.limit = reader.readSigned();
        break;
      case revisionTag:
        request.revision = reader.readSigned();
        break;
      case sortOrderTag:
        request.sortOrder = reader.readEnum();
        break;
      case sortTargetTag:
        request.sortTarget = reader.readEnum();
        break;
      case serializableTag:
        request.serializable = reader.readBool();
        break;
      case keysOnlyTag:
        request.keysOnly = reader.readBool();
        break;
      case countOnlyTag:
        request.countOnly = reader.readBool();
        break;
      case minModRevisionTag:
        request.minModRevision = reader.readSigned();
        break;
      case maxModRevisionTag:
        request.maxModRevision = reader.readSigned();
        break;
      case minCreateRevisionTag:
        request.minCreateRevision = reader.readSigned();
        break;
      case maxCreateRevisionTag:
        request.maxCreateRevision = reader.readSigned();
        break;
      default:
        skipUnknown(cursor, tag);
    }
  }
  return request;
}

/** `kvs` are encoded `mvccpb.KeyValue` messages. */
export interface RangeResponse {
  readonly header: ResponseHeader | undefined;
  readonly kvs: readonly Bytes[];
  readonly more: boolean;
  readonly count: number;
}

const headerTag = 0x0a;
const kvsTag = 0x12;
const moreTag = 0x18;
const countTag = 0x20;

export const RangeResponse: Codec<RangeResponse> = codecOf<RangeResponse>({
  name: 'etcdserverpb.RangeResponse',
  create: (fields) => ({ header: undefined, kvs: [], more: false, count: 0, ...fields }),
  readInto: readResponse,
  writeTo: (writer, { header, kvs = [], more, count }) => {
    writer.numberField(countTag, count);
    writer.boolField(moreTag, more);
    for (let i = kvs.length - 1; i >= 0; i--) writer.delimitedField(kvsTag, kvs[i] as Bytes);
    if (header !== undefined) nestedField(writer, headerTag, ResponseHeader, header);
  },
  sharesMemory: true,
});

function readResponse(cursor: DecodeCursor, previous?: RangeResponse): RangeResponse {
  const { reader } = cursor;
  let header = previous?.header;
  // The list was made by this decoding, so it may grow in place.
  const kvs = (previous?.kvs ?? []) as Bytes[];
  let more = previous?.more ?? false;
  let count = previous?.count ?? 0;
  while (!reader.atEnd) {
    const tag = reader.readTag();
    switch (tag) {
      case headerTag:
        header = readNested(cursor, ResponseHeader, header);
        break;
      case kvsTag:
        kvs.push(reader.readDelimited());
        break;
      case moreTag:
        more = reader.readBool();
        break;
      case countTag:
        count = reader.readSigned();
        break;
      default:
        skipUnknown(cursor, tag);
    }
  }
  return { header, kvs, more, count };
}
