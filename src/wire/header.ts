import { codecOf, skipUnknown, type Codec, type DecodeCursor } from './message.ts';
import { WireWriter } from './varint.ts';
import type { Bytes } from '../base/bytes.ts';

/** etcdserverpb.ResponseHeader: who answered, and at which revision and term. */
export interface ResponseHeader {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly revision: number;
  readonly raftTerm: number;
}

const clusterIdTag = 0x08;
const memberIdTag = 0x10;
const revisionTag = 0x18;
const raftTermTag = 0x20;

/** By hand: every answer has one (message.ts). */
export const ResponseHeader: Codec<ResponseHeader> = codecOf<ResponseHeader>({
  name: 'etcdserverpb.ResponseHeader',
  create: (fields) => ({ clusterId: 0n, memberId: 0n, revision: 0, raftTerm: 0, ...fields }),
  readInto: readHeader,
  writeTo: writeHeader,
});

function readHeader(cursor: DecodeCursor, previous?: ResponseHeader): ResponseHeader {
  const { reader } = cursor;
  let { clusterId, memberId, revision, raftTerm } = previous ?? ResponseHeader.create();
  while (!reader.atEnd) {
    const tag = reader.readTag();
    switch (tag) {
      case clusterIdTag:
        clusterId = reader.readUnsignedBig();
        break;
      case memberIdTag:
        memberId = reader.readUnsignedBig();
        break;
      case revisionTag:
        revision = reader.readSigned();
        break;
      case raftTermTag:
        raftTerm = reader.readUnsigned();
        break;
      default:
        skipUnknown(cursor, tag);
    }
  }
  return { clusterId, memberId, revision, raftTerm };
}

function writeHeader(writer: WireWriter, header: Partial<ResponseHeader>): void {
  const { clusterId = 0n, memberId = 0n, revision, raftTerm } = header;
  writer.numberField(raftTermTag, raftTerm);
  writer.numberField(revisionTag, revision);
  writer.writeBytes(encodedIds(clusterId, memberId));
}

/** A member's answers all begin with the same ids, and taking a bigint apart costs more than all the rest. */
const last = { clusterId: 0n, memberId: 0n, encoded: new Uint8Array(0) as Bytes };
const idWriter = new WireWriter();

function encodedIds(clusterId: bigint, memberId: bigint): Bytes {
  if (clusterId !== last.clusterId || memberId !== last.memberId) {
    idWriter.clear();
    idWriter.bigField(memberIdTag, memberId);
    idWriter.bigField(clusterIdTag, clusterId);
    last.encoded = idWriter.finish();
    last.clusterId = clusterId;
    last.memberId = memberId;
  }
  return last.encoded;
}
