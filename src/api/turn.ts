import type { Bytes } from '../base/bytes.ts';
import type { Done, Watches } from '../server/types.ts';
import { failed, ok, type EtcdError } from '../wire/errors.ts';
import { RangeRequest, type RangeResponse, type TxnResponse } from '../wire/kv.ts';
import { KeyValue } from '../wire/mvccpb.ts';
import { predecessorRequest, resignRequest } from '../wire/session-key.ts';
import { watchKeys } from './key-watch.ts';
import type { OwnClient } from './own-client.ts';

/** A place among the keys below a prefix; it is the turn of the one that was created first. */
export interface Place {
  readonly prefix: Bytes;
  readonly key: Bytes;
  readonly createRevision: number;
  readonly lease: bigint;
}

/**
 * Waits until no older key is left (client/v3/concurrency/key.go, waitDeletes): only ever for the youngest of them,
 * so that one deletion wakes one waiter. Then it reads the own key: its lease may have run out meanwhile, and it may
 * be another's turn (etcd #11408).
 */
export class TurnWait {
  private readonly client: OwnClient;
  private readonly place: Place;
  /** What to answer when the own key is gone. */
  private readonly lost: EtcdError;
  private readonly done: Done<RangeResponse | undefined>;
  private watches: Watches | undefined;
  private hasWaited = false;
  private isOver = false;

  /** `done` is given the own key as it was read after waiting, or undefined where there was no need to wait. */
  constructor(
    client: OwnClient,
    place: Place,
    lost: EtcdError,
    done: Done<RangeResponse | undefined>,
  ) {
    this.client = client;
    this.place = place;
    this.lost = lost;
    this.done = done;
  }

  start(): void {
    const { prefix, createRevision } = this.place;
    this.client.range(predecessorRequest(prefix, createRevision), (outcome) => {
      if (this.isOver) return;
      if (!outcome.ok) return this.finish(outcome);
      const before = firstOf(outcome.value);
      if (before !== undefined) this.waitFor(before.key, outcome.value.header?.revision ?? 0);
      else if (this.hasWaited) this.readOwn();
      else this.finish(ok(undefined));
    });
  }

  /** The caller is gone: the place is given up, and `done` not called any more. */
  abandon(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.watches?.close();
    leave(this.client, this.place);
  }

  private waitFor(key: Bytes, startRevision: number): void {
    this.hasWaited = true;
    const watch = { key, startRevision, onlyDeletes: true };
    this.watches = watchKeys(this.client.api.member, watch, ({ type }) => {
      // Deleted; or the watch fell behind a compaction, and the key has to be looked for once more.
      if (type === 'events' || type === 'canceled') {
        this.watches?.close();
        this.start();
      }
      return true;
    });
  }

  private readOwn(): void {
    const { key, createRevision } = this.place;
    this.client.range(RangeRequest.create({ key }), (outcome) => {
      if (this.isOver) return;
      const isLost = outcome.ok && firstOf(outcome.value)?.createRevision !== createRevision;
      this.finish(isLost ? failed(this.lost) : outcome);
    });
  }

  private finish(outcome: Parameters<typeof this.done>[0]): void {
    this.isOver = true;
    if (!outcome.ok) leave(this.client, this.place);
    this.done(outcome);
  }
}

/** Deletes the key, unless it is another of the same name by now. Who is gone hears of no failure. */
export function leave(client: OwnClient, { key, createRevision, lease }: Place): void {
  client.txn(resignRequest({ key, createRevision, lease }), () => undefined);
}

export function firstOf(response: RangeResponse | undefined): KeyValue | undefined {
  const [encoded] = response?.kvs ?? [];
  return encoded === undefined ? undefined : KeyValue.decode(encoded);
}

export function rangeOf({ responses }: TxnResponse, at: number): RangeResponse | undefined {
  const answer = responses[at]?.response;
  return answer?.case === 'responseRange' ? answer.value : undefined;
}

/** The own place, by the answer to the transaction that took it, now or in an earlier call. */
export function placeOf(
  response: TxnResponse,
  { prefix, key, lease }: Omit<Place, 'createRevision'>,
): Place {
  const now = response.header?.revision ?? 0;
  const before = response.succeeded ? undefined : firstOf(rangeOf(response, 0));
  return { prefix, key, lease, createRevision: before?.createRevision ?? now };
}
