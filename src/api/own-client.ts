import { checkTxn } from '../apply/check-txn.ts';
import { checkDeleteRange } from '../apply/check.ts';
import type { AppliedResponse } from '../apply/types.ts';
import { emptyBytes, type Bytes } from '../base/bytes.ts';
import type { Done } from '../server/types.ts';
import { CommandKind } from '../wire/command.ts';
import { Code, errors, failed, ok, type EtcdError } from '../wire/errors.ts';
import {
  DeleteRangeRequest,
  TxnRequest,
  type DeleteRangeResponse,
  type RangeRequest,
  type RangeResponse,
  type TxnResponse,
} from '../wire/kv.ts';
import { LeaseGrantRequest, type LeaseGrantResponse } from '../wire/lease.ts';
import type { Codec } from '../wire/message.ts';
import { completeGrant } from './lease.ts';
import { isTooLarge } from './propose.ts';
import type { ApiContext } from './rpc.ts';

/**
 * What the Lock and Election services ask of their own member. etcd's ask through a client, so that whatever error
 * comes back passes for one of the client's and reaches the wire as Unknown, with its text (etcd
 * server/etcdserver/api/v3client); here too.
 */
export class OwnClient {
  readonly api: ApiContext;

  constructor(api: ApiContext) {
    this.api = api;
  }

  /** A transaction that writes. */
  txn(request: TxnRequest, done: Done<TxnResponse>): void {
    const refused = checkTxn(request, this.api.limits.txnOpsMax);
    if (refused !== undefined) return done(failed(asUnknown(refused)));
    this.propose(CommandKind.txn, TxnRequest, request, done);
  }

  deleteKey(key: Bytes, done: Done<DeleteRangeResponse>): void {
    const request = { key, rangeEnd: emptyBytes, prevKv: false };
    const refused = checkDeleteRange(request);
    if (refused !== undefined) return done(failed(asUnknown(refused)));
    this.propose(CommandKind.deleteRange, DeleteRangeRequest, request, done);
  }

  /** Linearizable. */
  range(request: RangeRequest, done: Done<RangeResponse>): void {
    const { member } = this.api;
    member.readIndex((outcome) => {
      if (!outcome.ok) return done(failed(asUnknown(outcome.error)));
      member.range(request, (answer) => done(answer.ok ? answer : failed(asUnknown(answer.error))));
    });
  }

  /** The lease of the caller, or a new one where it named none. */
  leaseOr(named: bigint, done: Done<bigint>): void {
    if (named !== 0n) return done(ok(named));
    const request = completeGrant(this.api.member, { id: 0n, ttl: sessionTtl });
    this.propose<LeaseGrantRequest, LeaseGrantResponse>(
      CommandKind.leaseGrant,
      LeaseGrantRequest,
      request,
      (outcome) => done(outcome.ok ? ok(outcome.value.id) : outcome),
    );
  }

  private propose<Request, Response extends AppliedResponse>(
    kind: CommandKind,
    codec: Codec<Request>,
    request: Request,
    done: Done<Response>,
  ): void {
    const command = codec.encode(request);
    if (isTooLarge(this.api.limits, command))
      return done(failed(asUnknown(errors.requestTooLarge)));
    this.api.member.propose(kind, command, (outcome) => {
      // The kind of a command decides which response applying it gives.
      done(outcome.ok ? ok(outcome.value as Response) : failed(asUnknown(outcome.error)));
    });
  }
}

/** Seconds (client/v3/concurrency/session.go). Nobody prolongs it: who wants it longer brings a lease. */
const sessionTtl = 60;

/** An error of the services themselves. */
export const ownError = (text: string): EtcdError => ({ code: Code.Unknown, text });

const asUnknown = ({ text }: EtcdError): EtcdError => ownError(text);
