import { assert, mustBeSafe } from '../base/assert.ts';
import {
  readBigUint64,
  readUint32,
  readUint64,
  writeBigUint64,
  writeUint32,
  writeUint64,
} from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';

/**
 * What a log entry carries: a header of 22 bytes, then the request's own protobuf bytes.
 *
 *     0  format, now 1
 *     1  kind of command
 *     2  member id of the proposer, 8 bytes
 *     10 nonce of the proposer's process, 4 bytes
 *     14 sequence within that process, 8 bytes
 *
 * (proposer, nonce, sequence) is never used twice, so the member that proposed it knows its own entry when it
 * comes to be applied. The kinds are on disk in every log: numbers are never reused.
 */
export const CommandKind = {
  put: 1,
  deleteRange: 2,
  txn: 3,
  compact: 4,
  /** A member's name and client URLs, published by itself once it runs (membership.ts `MemberAttributes`). */
  publishMember: 5,
  leaseGrant: 6,
  leaseRevoke: 7,
  /** Leases whose time is over, as one leader decided it (lease.ts `LeaseExpiry`). */
  leaseExpire: 8,
  leaseCheckpoint: 9,
  alarm: 10,
  /** New peer URLs of a member; its role is no matter of this. */
  updateMember: 11,
} as const;
export type CommandKind = (typeof CommandKind)[keyof typeof CommandKind];

export interface CommandHeader {
  readonly kind: CommandKind;
  readonly proposer: bigint;
  readonly nonce: number;
  readonly sequence: number;
}

export interface Command extends CommandHeader {
  /** The encoded request: a view of the entry's data. */
  readonly request: Bytes;
}

const format = 1;
export const commandHeaderBytes = 22;
const kinds: ReadonlySet<number> = new Set(Object.values(CommandKind));

export function encodeCommand(header: CommandHeader, request: Bytes): Bytes {
  const encoded = new Uint8Array(commandHeaderBytes + request.length);
  encoded[0] = format;
  encoded[1] = header.kind;
  writeBigUint64(encoded, 2, header.proposer);
  writeUint32(encoded, 10, header.nonce);
  writeUint64(encoded, 14, mustBeSafe(header.sequence, 'command sequence'));
  encoded.set(request, commandHeaderBytes);
  return encoded;
}

export function decodeCommand(data: Bytes): Command {
  assert(data.length >= commandHeaderBytes, `command of ${data.length} bytes has no header`);
  assert(data[0] === format, `command format ${data[0]} is not known to this version`);
  const kind = data[1] as number;
  assert(kinds.has(kind), `command kind ${kind} is not known to this version`);
  return {
    kind: kind as CommandKind,
    proposer: readBigUint64(data, 2),
    nonce: readUint32(data, 10),
    sequence: mustBeSafe(readUint64(data, 14), 'command sequence'),
    request: data.subarray(commandHeaderBytes),
  };
}
