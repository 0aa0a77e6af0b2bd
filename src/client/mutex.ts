import type { Bytes } from '../base/bytes.ts';
import { Code } from '../wire/errors.ts';
import type { RangeResponse, TxnResponse } from '../wire/kv.ts';
import { KeyValue } from '../wire/mvccpb.ts';
import { acquireRequest, namePrefix, sessionKey } from '../wire/session-key.ts';
import { ClientError } from './client-error.ts';
import type { Session } from './session.ts';
import { waitForTurn, type Stop } from './turn.ts';

export interface HeldLock {
  readonly key: Bytes;
  /** As of which the lock was known to be held. */
  readonly revision: number;
  /** @throws ClientError */
  unlock(): Promise<void>;
}

/**
 * Waits for the lock of a name (client/v3/concurrency/mutex.go, Lock).
 * @throws ClientError
 */
export async function lock(session: Session, name: Bytes, stop: Stop): Promise<HeldLock> {
  const { client, lease } = session;
  const prefix = namePrefix(name);
  const key = sessionKey(prefix, lease);
  const unlock = async (): Promise<void> => {
    await client.deleteRange({ key });
  };
  const response = await client.txn(acquireRequest(prefix, lease));
  const createRevision = ownRevision(response);
  const owner = firstOf(rangeOf(response, 1));
  if (owner === undefined || owner.createRevision === createRevision) {
    return { key, revision: response.header?.revision ?? 0, unlock };
  }
  let own: RangeResponse;
  try {
    await waitForTurn(session, prefix, createRevision, stop);
    // The lease may have run out meanwhile, and the key with it (etcd #11408).
    own = await client.range({ key });
  } catch (error) {
    await unlock();
    throw error;
  }
  if (own.kvs.length === 0) throw new ClientError(Code.Unknown, 'mutex: session is expired');
  return { key, revision: own.header?.revision ?? 0, unlock };
}

/** The create revision of the session's own key, whether it was put now or before. */
export function ownRevision(response: TxnResponse): number {
  const now = response.header?.revision ?? 0;
  return response.succeeded ? now : (firstOf(rangeOf(response, 0))?.createRevision ?? now);
}

export function rangeOf({ responses }: TxnResponse, at: number): RangeResponse | undefined {
  const answer = responses[at]?.response;
  return answer?.case === 'responseRange' ? answer.value : undefined;
}

export function firstOf(response: RangeResponse | undefined): KeyValue | undefined {
  const [encoded] = response?.kvs ?? [];
  return encoded === undefined ? undefined : KeyValue.decode(encoded);
}
