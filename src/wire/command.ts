import { assert, mustBeSafe } from '../base/assert.ts';
import { readUint64, writeBigUint64, writeUint32, writeUint64 } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { Slab } from '../base/slab.ts';

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

export interface Command {
  readonly kind: CommandKind;
  /** The encoded request: a view of the entry's data. */
  readonly request: Bytes;
}

const format = 1;
const originAt = 2;
const originBytes = 12;
const sequenceAt = originAt + originBytes;
export const commandHeaderBytes = sequenceAt + 8;
const kinds: ReadonlySet<number> = new Set(Object.values(CommandKind));

/** Makes and recognizes the commands of one process. */
export class CommandOrigin {
  /** Member id and nonce as they stand in each command. */
  private readonly origin = new Uint8Array(originBytes);
  /** Commands are let go when the log is cut, in their order. */
  private readonly memory = new Slab(64 * 1024);

  constructor(proposer: bigint, nonce: number) {
    writeBigUint64(this.origin, 0, proposer);
    writeUint32(this.origin, 8, nonce);
  }

  encode(kind: CommandKind, sequence: number, request: Bytes): Bytes {
    const encoded = this.memory.take(commandHeaderBytes + request.length);
    encoded[0] = format;
    encoded[1] = kind;
    encoded.set(this.origin, originAt);
    writeUint64(encoded, sequenceAt, mustBeSafe(sequence, 'command sequence'));
    encoded.set(request, commandHeaderBytes);
    return encoded;
  }

  /** The sequence of a command of this process, 0 of any other. */
  sequenceOf(data: Bytes): number {
    for (let i = 0; i < originBytes; i++) {
      if (data[originAt + i] !== this.origin[i]) return 0;
    }
    return mustBeSafe(readUint64(data, sequenceAt), 'command sequence');
  }
}

export function decodeCommand(data: Bytes): Command {
  const kind = data[1] as number;
  const isWhole = data.length >= commandHeaderBytes;
  if (!isWhole || data[0] !== format || !kinds.has(kind)) mustBeCommand(data);
  return { kind: kind as CommandKind, request: data.subarray(commandHeaderBytes) };
}

/** Says what is wrong with a command; texts are made for none that is right. */
function mustBeCommand(data: Bytes): void {
  assert(data.length >= commandHeaderBytes, `command of ${data.length} bytes has no header`);
  assert(data[0] === format, `command format ${data[0]} is not known to this version`);
  const kind = data[1] as number;
  assert(kinds.has(kind), `command kind ${kind} is not known to this version`);
}
