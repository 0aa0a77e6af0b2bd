import { ResponseHeader } from './header.ts';
import {
  codecOf,
  nestedField,
  readNested,
  skipUnknown,
  type Codec,
  type DecodeCursor,
} from './message.ts';

/** LeaseKeepAlive by hand, for there is little else to renewing a lease (message.ts). */

export interface LeaseKeepAliveRequest {
  readonly id: bigint;
}

const requestIdTag = 0x08;

export const LeaseKeepAliveRequest: Codec<LeaseKeepAliveRequest> = codecOf<LeaseKeepAliveRequest>({
  name: 'etcdserverpb.LeaseKeepAliveRequest',
  create: (fields) => ({ id: 0n, ...fields }),
  readInto: readRequest,
  writeTo: (writer, { id }) => writer.bigField(requestIdTag, id),
});

function readRequest(
  cursor: DecodeCursor,
  previous?: LeaseKeepAliveRequest,
): LeaseKeepAliveRequest {
  const { reader } = cursor;
  let id = previous?.id ?? 0n;
  while (!reader.atEnd) {
    const tag = reader.readTag();
    if (tag === requestIdTag) id = reader.readSignedBig();
    else skipUnknown(cursor, tag);
  }
  return { id };
}

export interface LeaseKeepAliveResponse {
  readonly header: ResponseHeader | undefined;
  readonly id: bigint;
  /** 0: there is no such lease (any more). */
  readonly ttl: number;
}

const headerTag = 0x0a;
const idTag = 0x10;
const ttlTag = 0x18;

export const LeaseKeepAliveResponse: Codec<LeaseKeepAliveResponse> =
  codecOf<LeaseKeepAliveResponse>({
    name: 'etcdserverpb.LeaseKeepAliveResponse',
    create: (fields) => ({ header: undefined, id: 0n, ttl: 0, ...fields }),
    readInto: readResponse,
    writeTo: (writer, { header, id, ttl }) => {
      writer.numberField(ttlTag, ttl);
      writer.bigField(idTag, id);
      if (header !== undefined) nestedField(writer, headerTag, ResponseHeader, header);
    },
    sharesMemory: true,
  });

function readResponse(
  cursor: DecodeCursor,
  previous?: LeaseKeepAliveResponse,
): LeaseKeepAliveResponse {
  const { reader } = cursor;
  let { header, id, ttl } = previous ?? { header: undefined, id: 0n, ttl: 0 };
  while (!reader.atEnd) {
    const tag = reader.readTag();
    switch (tag) {
      case headerTag:
        header = readNested(cursor, ResponseHeader, header);
        break;
      case idTag:
        id = reader.readSignedBig();
        break;
      case ttlTag:
        ttl = reader.readSigned();
        break;
      default:
        skipUnknown(cursor, tag);
    }
  }
  return { header, id, ttl };
}
