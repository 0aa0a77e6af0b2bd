import { emptyBytes, type Bytes } from '../base/bytes.ts';
import { DeleteRangeRequest, DeleteRangeResponse } from './delete-range.ts';
import { ResponseHeader } from './header.ts';
import {
  codecOf,
  nestedField,
  nestedFields,
  readNested,
  skipUnknown,
  type Codec,
  type DecodeCursor,
} from './message.ts';
import { PutRequest, PutResponse } from './put-codec.ts';
import { RangeRequest, RangeResponse } from './range-codec.ts';
import type { WireWriter } from './varint.ts';

/** Transactions by hand: what Kubernetes writes with (message.ts). */

/** One operation of a transaction; `request` is undefined when the client set none. */
export interface RequestOp {
  readonly request:
    | { readonly case: 'requestRange'; readonly value: RangeRequest }
    | { readonly case: 'requestPut'; readonly value: PutRequest }
    | { readonly case: 'requestDeleteRange'; readonly value: DeleteRangeRequest }
    | { readonly case: 'requestTxn'; readonly value: TxnRequest }
    | undefined;
}

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface ResponseOp {
  readonly response:
    | { readonly case: 'responseRange'; readonly value: RangeResponse }
    | { readonly case: 'responsePut'; readonly value: PutResponse }
    | { readonly case: 'responseDeleteRange'; readonly value: DeleteRangeResponse }
    | { readonly case: 'responseTxn'; readonly value: TxnResponse }
    | undefined;
}

export interface TxnResponse {
  readonly header: ResponseHeader | undefined;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

export interface Compare {
  readonly result: number;
  readonly target: number;
  readonly key: Bytes;
  readonly targetUnion:
    | { readonly case: 'version' | 'createRevision' | 'modRevision'; readonly value: number }
    | { readonly case: 'value'; readonly value: Bytes }
    | { readonly case: 'lease'; readonly value: bigint }
    | undefined;
  readonly rangeEnd: Bytes;
}

const resultTag = 0x08;
const targetTag = 0x10;
const keyTag = 0x1a;
const versionTag = 0x20;
const createRevisionTag = 0x28;
const modRevisionTag = 0x30;
const valueTag = 0x3a;
const leaseTag = 0x40;
/** Field 64: the one tag here of two bytes. */
const rangeEndTag = 0x202;

const numberTags = {
  version: versionTag,
  createRevision: createRevisionTag,
  modRevision: modRevisionTag,
} as const;

const emptyCompare: Compare = {
  result: 0,
  target: 0,
  key: emptyBytes,
  targetUnion: undefined,
  rangeEnd: emptyBytes,
};

export const Compare: Codec<Compare> = codecOf<Compare>({
  name: 'etcdserverpb.Compare',
  create: (fields) => ({ ...emptyCompare, ...fields }),
  readInto: readCompare,
  writeTo: (writer, compare) => {
    writer.bytesField(rangeEndTag, compare.rangeEnd);
    writeTargetUnion(writer, compare.targetUnion);
    writer.bytesField(keyTag, compare.key);
    writer.numberField(targetTag, compare.target);
    writer.numberField(resultTag, compare.result);
  },
});

function readCompare(cursor: DecodeCursor, previous: Compare = emptyCompare): Compare {
  const { reader } = cursor;
  let { result, target, key, targetUnion, rangeEnd } = previous;
  while (!reader.atEnd) {
    const tag = reader.readTag();
    switch (tag) {
      case resultTag:
        result = reader.readEnum();
        break;
      case targetTag:
        target = reader.readEnum();
        break;
      case keyTag:
        key = reader.readDelimited();
        break;
      case versionTag:
        targetUnion = { case: 'version', value: reader.readSigned() };
        break;
      case createRevisionTag:
        targetUnion = { case: 'createRevision', value: reader.readSigned() };
        break;
      case modRevisionTag:
        targetUnion = { case: 'modRevision', value: reader.readSigned() };
        break;
      case valueTag:
        targetUnion = { case: 'value', value: reader.readDelimited() };
        break;
      case leaseTag:
        targetUnion = { case: 'lease', value: reader.readSignedBig() };
        break;
      case rangeEndTag:
        rangeEnd = reader.readDelimited();
        break;
      default:
        skipUnknown(cursor, tag);
    }
  }
  return { result, target, key, targetUnion, rangeEnd };
}

/** A chosen case is written even at its default. */
function writeTargetUnion(writer: WireWriter, chosen: Compare['targetUnion']): void {
  if (chosen === undefined) return;
  switch (chosen.case) {
    case 'value':
      return writer.delimitedField(valueTag, chosen.value);
    case 'lease':
      writer.writeBig(chosen.value);
      return writer.writeNumber(leaseTag);
    default:
      writer.writeNumber(chosen.value);
      writer.writeNumber(numberTags[chosen.case]);
  }
}

// Both kinds of operation number their cases alike.
const rangeTag = 0x0a;
const putTag = 0x12;
const deleteRangeTag = 0x1a;
const txnTag = 0x22;

export const RequestOp: Codec<RequestOp> = codecOf<RequestOp>({
  name: 'etcdserverpb.RequestOp',
  create: (fields) => ({ request: undefined, ...fields }),
  readInto: readRequestOp,
  writeTo: (writer, { request }) => {
    switch (request?.case) {
      case undefined:
        return;
      case 'requestRange':
        return nestedField(writer, rangeTag, RangeRequest, request.value);
      case 'requestPut':
        return nestedField(writer, putTag, PutRequest, request.value);
      case 'requestDeleteRange':
        return nestedField(writer, deleteRangeTag, DeleteRangeRequest, request.value);
      case 'requestTxn':
        return nestedField(writer, txnTag, TxnRequest, request.value);
    }
  },
});

/** The last case counts, merged with the same case just before it. */
function readRequestOp(cursor: DecodeCursor, previous?: RequestOp): RequestOp {
  const { reader } = cursor;
  let request = previous?.request;
  while (!reader.atEnd) {
    const tag = reader.readTag();
    switch (tag) {
      case rangeTag: {
        const old = request?.case === 'requestRange' ? request.value : undefined;
        request = { case: 'requestRange', value: readNested(cursor, RangeRequest, old) };
        break;
      }
      case putTag: {
        const old = request?.case === 'requestPut' ? request.value : undefined;
        request = { case: 'requestPut', value: readNested(cursor, PutRequest, old) };
        break;
      }
      case deleteRangeTag: {
        const old = request?.case === 'requestDeleteRange' ? request.value : undefined;
        request = {
          case: 'requestDeleteRange',
          value: readNested(cursor, DeleteRangeRequest, old),
        };
        break;
      }
      case txnTag: {
        const old = request?.case === 'requestTxn' ? request.value : undefined;
        request = { case: 'requestTxn', value: readNested(cursor, TxnRequest, old) };
        break;
      }
      default:
        skipUnknown(cursor, tag);
    }
  }
  return { request };
}

const compareTag = 0x0a;
const successTag = 0x12;
const failureTag = 0x1a;

export const TxnRequest: Codec<TxnRequest> = codecOf<TxnRequest>({
  name: 'etcdserverpb.TxnRequest',
  create: (fields) => ({ compare: [], success: [], failure: [], ...fields }),
  readInto: readRequest,
  writeTo: (writer, { compare = [], success = [], failure = [] }) => {
    nestedFields(writer, failureTag, RequestOp, failure);
    nestedFields(writer, successTag, RequestOp, success);
    nestedFields(writer, compareTag, Compare, compare);
  },
});

function readRequest(cursor: DecodeCursor, previous?: TxnRequest): TxnRequest {
  const { reader } = cursor;
  // Lists were made by this decoding, so they may grow in place.
  const compare = (previous?.compare ?? []) as Compare[];
  const success = (previous?.success ?? []) as RequestOp[];
  const failure = (previous?.failure ?? []) as RequestOp[];
  while (!reader.atEnd) {
    const tag = reader.readTag();
    switch (tag) {
      case compareTag:
        compare.push(readNested(cursor, Compare, undefined));
        break;
      case successTag:
        success.push(readNested(cursor, RequestOp, undefined));
        break;
      case failureTag:
        failure.push(readNested(cursor, RequestOp, undefined));
        break;
      default:
        skipUnknown(cursor, tag);
    }
  }
  return { compare, success, failure };
}

export const ResponseOp: Codec<ResponseOp> = codecOf<ResponseOp>({
  name: 'etcdserverpb.ResponseOp',
  create: (fields) => ({ response: undefined, ...fields }),
  readInto: readResponseOp,
  writeTo: (writer, { response }) => {
    switch (response?.case) {
      case undefined:
        return;
      case 'responseRange':
        return nestedField(writer, rangeTag, RangeResponse, response.value);
      case 'responsePut':
        return nestedField(writer, putTag, PutResponse, response.value);
      case 'responseDeleteRange':
        return nestedField(writer, deleteRangeTag, DeleteRangeResponse, response.value);
      case 'responseTxn':
        return nestedField(writer, txnTag, TxnResponse, response.value);
    }
  },
});

function readResponseOp(cursor: DecodeCursor, previous?: ResponseOp): ResponseOp {
  const { reader } = cursor;
  let response = previous?.response;
  while (!reader.atEnd) {
    const tag = reader.readTag();
    switch (tag) {
      case rangeTag: {
        const old = response?.case === 'responseRange' ? response.value : undefined;
        response = { case: 'responseRange', value: readNested(cursor, RangeResponse, old) };
        break;
      }
      case putTag: {
        const old = response?.case === 'responsePut' ? response.value : undefined;
        response = { case: 'responsePut', value: readNested(cursor, PutResponse, old) };
        break;
      }
      case deleteRangeTag: {
        const old = response?.case === 'responseDeleteRange' ? response.value : undefined;
        response = {
          case: 'responseDeleteRange',
          value: readNested(cursor, DeleteRangeResponse, old),
        };
        break;
      }
      case txnTag: {
        const old = response?.case === 'responseTxn' ? response.value : undefined;
        response = { case: 'responseTxn', value: readNested(cursor, TxnResponse, old) };
        break;
      }
      default:
        skipUnknown(cursor, tag);
    }
  }
  return { response };
}

const headerTag = 0x0a;
const succeededTag = 0x10;
const responsesTag = 0x1a;

export const TxnResponse: Codec<TxnResponse> = codecOf<TxnResponse>({
  name: 'etcdserverpb.TxnResponse',
  create: (fields) => ({ header: undefined, succeeded: false, responses: [], ...fields }),
  readInto: readResponse,
  writeTo: (writer, { header, succeeded, responses = [] }) => {
    nestedFields(writer, responsesTag, ResponseOp, responses);
    writer.boolField(succeededTag, succeeded);
    if (header !== undefined) nestedField(writer, headerTag, ResponseHeader, header);
  },
  sharesMemory: true,
});

function readResponse(cursor: DecodeCursor, previous?: TxnResponse): TxnResponse {
  const { reader } = cursor;
  let header = previous?.header;
  let succeeded = previous?.succeeded ?? false;
  const responses = (previous?.responses ?? []) as ResponseOp[];
  while (!reader.atEnd) {
    const tag = reader.readTag();
    switch (tag) {
      case headerTag:
        header = readNested(cursor, ResponseHeader, header);
        break;
      case succeededTag:
        succeeded = reader.readBool();
        break;
      case responsesTag:
        responses.push(readNested(cursor, ResponseOp, undefined));
        break;
      default:
        skipUnknown(cursor, tag);
    }
  }
  return { header, succeeded, responses };
}
