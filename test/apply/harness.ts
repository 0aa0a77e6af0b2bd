import assert from 'node:assert/strict';
import { textOf, utf8, type Bytes } from '../../src/base/bytes.ts';
import { Alarms } from '../../src/apply/alarms.ts';
import { StateMachine } from '../../src/apply/machine.ts';
import { evaluateRange } from '../../src/apply/range.ts';
import type { Applied } from '../../src/apply/types.ts';
import { Leases } from '../../src/lease/leases.ts';
import { Membership } from '../../src/membership/membership.ts';
import type { RevisionStore } from '../../src/mvcc/types.ts';
import { CommandKind } from '../../src/wire/command.ts';
import type { EtcdError, Outcome } from '../../src/wire/errors.ts';
import {
  Compare,
  CompactionRequest,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
  type CompactionResponse,
  type DeleteRangeResponse,
  type PutResponse,
  type RangeResponse,
  type RequestOp,
  type TxnResponse,
} from '../../src/wire/kv.ts';
import type { Codec } from '../../src/wire/message.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import type { TestStore } from './stores.ts';

/** Requests in short form: texts for keys and values, and the machine behind them. */

type Text<Fields> = {
  [K in keyof Fields]?: Fields[K] extends Bytes ? string : Fields[K];
};

function bytesIn(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? utf8(value) : value,
    ]),
  );
}

export const range = (fields: Text<RangeRequest>): RangeRequest =>
  RangeRequest.create(bytesIn(fields));
export const put = (fields: Text<PutRequest>): PutRequest => PutRequest.create(bytesIn(fields));
export const del = (fields: Text<DeleteRangeRequest>): DeleteRangeRequest =>
  DeleteRangeRequest.create(bytesIn(fields));
export const compare = (fields: Text<Compare>): Compare => Compare.create(bytesIn(fields));

export const rangeOp = (fields: Text<RangeRequest>): RequestOp => ({
  request: { case: 'requestRange', value: range(fields) },
});
export const putOp = (fields: Text<PutRequest>): RequestOp => ({
  request: { case: 'requestPut', value: put(fields) },
});
export const delOp = (fields: Text<DeleteRangeRequest>): RequestOp => ({
  request: { case: 'requestDeleteRange', value: del(fields) },
});
export const txnOp = (fields: Partial<TxnRequest>): RequestOp => ({
  request: { case: 'requestTxn', value: TxnRequest.create(fields) },
});

const codecs = new Map<CommandKind, unknown>([
  [CommandKind.put, PutRequest],
  [CommandKind.deleteRange, DeleteRangeRequest],
  [CommandKind.txn, TxnRequest],
]);

/** A state machine over a store, spoken to as the log would. */
/** Leases that are granted, of 10 s each. */
export function granted(...ids: readonly bigint[]): Leases {
  const leases = Leases.load([]);
  for (const id of ids) leases.grant(id, 10);
  return leases;
}

export class Machine {
  readonly store: RevisionStore;
  readonly machine: StateMachine;
  last: Applied | undefined;

  private readonly keep: TestStore['keep'];

  constructor({ store, keep }: TestStore, leases: Leases = granted()) {
    this.store = store;
    this.keep = keep;
    const membership = Membership.load([]);
    const alarms = Alarms.load([]);
    this.machine = new StateMachine({ revisions: store, membership, leases, alarms });
  }

  put(fields: Text<PutRequest>): Outcome<PutResponse> {
    return this.apply(CommandKind.put, PutRequest.encode(put(fields)));
  }

  del(fields: Text<DeleteRangeRequest>): Outcome<DeleteRangeResponse> {
    return this.apply(CommandKind.deleteRange, DeleteRangeRequest.encode(del(fields)));
  }

  txn(fields: Partial<TxnRequest>): Outcome<TxnResponse> {
    return this.apply(CommandKind.txn, TxnRequest.encode(fields));
  }

  compact(revision: number): Outcome<CompactionResponse> {
    return this.apply(CommandKind.compact, CompactionRequest.encode({ revision }));
  }

  range(fields: Text<RangeRequest>): Outcome<RangeResponse> {
    return this.rangeOf(range(fields));
  }

  rangeOf(request: RangeRequest): Outcome<RangeResponse> {
    return evaluateRange(this.store, request);
  }

  send(kind: CommandKind, request: PutRequest | DeleteRangeRequest | TxnRequest): Outcome<unknown> {
    return this.apply(kind, (codecs.get(kind) as Codec<object>).encode(request));
  }

  private apply<T>(kind: CommandKind, request: Bytes): Outcome<T> {
    const command = { kind, proposer: 1n, nonce: 1, sequence: 1, request };
    this.last = this.machine.apply(command, { index: 1, term: 1 });
    this.keep(this.last.rows);
    return this.last.outcome as Outcome<T>;
  }
}

export function value<T>(outcome: Outcome<T>): T {
  assert.ok(outcome.ok, outcome.ok ? '' : `refused: ${outcome.error.text}`);
  return outcome.value;
}

export function refusal(outcome: Outcome<unknown>): EtcdError {
  assert.ok(!outcome.ok, 'was expected to be refused');
  return outcome.error;
}

export function keys(response: RangeResponse): readonly string[] {
  return response.kvs.map((kv) => textOf(KeyValue.decode(kv).key));
}

/** A key-value as `key=value create/mod/version`, with its lease where it has one. */
export function show(encoded: Bytes | undefined): string {
  if (encoded === undefined) return 'none';
  const kv = KeyValue.decode(encoded);
  const numbers = `${kv.createRevision}/${kv.modRevision}/${kv.version}`;
  const lease = kv.lease === 0n ? '' : ` lease ${kv.lease}`;
  return `${textOf(kv.key)}=${textOf(kv.value)} ${numbers}${lease}`;
}
