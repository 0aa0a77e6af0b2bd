import { emptyBytes, type Bytes } from '../base/bytes.ts';
import { ResponseHeader } from './header.ts';
import {
  codecOf,
  nestedField,
  readNested,
  readRaw,
  skipUnknown,
  type Codec,
  type DecodeCursor,
} from './message.ts';

/** Put by hand, for it is decoded on every member: the tables of message.ts take three times as long. */

export interface PutRequest {
  readonly key: Bytes;
  readonly value: Bytes;
  readonly lease: bigint;
  readonly prevKv: boolean;
  readonly ignoreValue: boolean;
  readonly ignoreLease: boolean;
}

const keyTag = 0x0a;
const valueTag = 0x12;
const leaseTag = 0x18;
const prevKvTag = 0x20;
const ignoreValueTag = 0x28;
const ignoreLeaseTag = 0x30;

const emptyRequest: PutRequest = {
  key: emptyBytes,
  value: emptyBytes,
  lease: 0n,
  prevKv: false,
  ignoreValue: false,
  ignoreLease: false,
};

export const PutRequest: Codec<PutRequest> = codecOf<PutRequest>({
  name: 'etcdserverpb.PutRequest',
  create: (fields) => ({ ...emptyRequest, ...fields }),
  readInto: readRequest,
  writeTo: (writer, request) => {
    writer.boolField(ignoreLeaseTag, request.ignoreLease);
    writer.boolField(ignoreValueTag, request.ignoreValue);
    writer.boolField(prevKvTag, request.prevKv);
    writer.bigField(leaseTag, request.lease);
    writer.bytesField(valueTag, request.value);
    writer.bytesField(keyTag, request.key);
  },
});

function readRequest(cursor: DecodeCursor, previous: PutRequest = emptyRequest): PutRequest {
  const { reader } = cursor;
  let { key, value, lease, prevKv, ignoreValue, ignoreLease } = previous;
  while (!reader.atEnd) {
    const tag = reader.readTag();
    switch (tag) {
      case keyTag:
        key = reader.readDelimited();
        break;
      case valueTag:
        value = reader.readDelimited();
        break;
      case leaseTag:
        lease = reader.readSignedBig();
        break;
      case prevKvTag:
        prevKv = reader.readBool();
        break;
      case ignoreValueTag:
        ignoreValue = reader.readBool();
        break;
      case ignoreLeaseTag:
        ignoreLease = reader.readBool();
        break;
      default:
        skipUnknown(cursor, tag);
    }
  }
  return { key, value, lease, prevKv, ignoreValue, ignoreLease };
}

/** `prevKv` is an encoded `mvccpb.KeyValue`. */
export interface PutResponse {
  readonly header: ResponseHeader | undefined;
  readonly prevKv: Bytes | undefined;
}

const headerTag = 0x0a;
const previousTag = 0x12;

export const PutResponse: Codec<PutResponse> = codecOf<PutResponse>({
  name: 'etcdserverpb.PutResponse',
  create: (fields) => ({ header: undefined, prevKv: undefined, ...fields }),
  readInto: readResponse,
  writeTo: (writer, { header, prevKv }) => {
    if (prevKv !== undefined) writer.delimitedField(previousTag, prevKv);
    if (header !== undefined) nestedField(writer, headerTag, ResponseHeader, header);
  },
  sharesMemory: true,
});

function readResponse(cursor: DecodeCursor, previous?: PutResponse): PutResponse {
  const { reader } = cursor;
  let header = previous?.header;
  let prevKv = previous?.prevKv;
  while (!reader.atEnd) {
    const tag = reader.readTag();
    switch (tag) {
      case headerTag:
        header = readNested(cursor, ResponseHeader, header);
        break;
      case previousTag:
        prevKv = readRaw(cursor, prevKv);
        break;
      default:
        skipUnknown(cursor, tag);
    }
  }
  return { header, prevKv };
}
