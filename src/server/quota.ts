import type { Bytes } from '../base/bytes.ts';
import {
  costBytesAtMost,
  leaseGrantCostBytes,
  putCostBytes,
  txnCostBytes,
} from '../apply/space-cost.ts';
import { CommandKind } from '../wire/command.ts';
import { PutRequest, TxnRequest } from '../wire/kv.ts';

/**
 * Whether a request fits into what the store may hold (etcd server/storage/quota.go). Asked by the member that takes
 * the request, before it is proposed; who finds that one does not fit raises NOSPACE, which then refuses on all
 * members alike.
 */
export interface QuotaParts {
  /** Negative is no limit. */
  readonly quotaBytes: number;
  /** Of the store with everything that was applied, written or not. */
  readonly sizeBytes: () => number;
  /** Raises NOSPACE for this member, and calls back when it is in force or cannot be raised now. */
  readonly raise: (done: () => void) => void;
}

export class Quota {
  private readonly parts: QuotaParts;
  /** Refused calls that wait for the alarm, so that who is refused finds it raised. */
  private waiting: (() => void)[] = [];
  private isRaising = false;

  constructor(parts: QuotaParts) {
    this.parts = parts;
  }

  fits(kind: CommandKind, request: Bytes): boolean {
    const { quotaBytes, sizeBytes } = this.parts;
    if (quotaBytes < 0) return true;
    const mostBytes = costBytesAtMost(kind, request.length);
    if (mostBytes === 0) return true;
    const leftBytes = quotaBytes - sizeBytes();
    return mostBytes < leftBytes || isBelow(costBytes(kind, request), leftBytes);
  }

  /** Calls back when the alarm is raised. */
  exceeded(done: () => void): void {
    if (this.waiting.length >= waitingMax) return done();
    this.waiting.push(done);
    if (this.isRaising) return;
    this.isRaising = true;
    this.parts.raise(() => {
      this.isRaising = false;
      const waited = this.waiting;
      this.waiting = [];
      for (const each of waited) each();
    });
  }
}

/** Further ones are refused without waiting for the alarm. */
const waitingMax = 10_000;

function isBelow(costBytes: number, leftBytes: number): boolean {
  return costBytes === 0 || costBytes < leftBytes;
}

function costBytes(kind: CommandKind, request: Bytes): number {
  switch (kind) {
    case CommandKind.put:
      return putCostBytes(PutRequest.decode(request));
    case CommandKind.txn:
      return txnCostBytes(TxnRequest.decode(request));
    case CommandKind.leaseGrant:
      return leaseGrantCostBytes;
    default:
      return 0;
  }
}
