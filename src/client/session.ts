import type { Client } from './client.ts';
import { keepAlive } from './keep-alive.ts';
import { methods } from './methods.ts';
import type { Pace } from './pace.ts';
import { Watcher } from './watcher.ts';

/** A lease that is kept alive as long as its holder runs (client/v3/concurrency/session.go). */
export interface Session {
  readonly client: Client;
  readonly watcher: Watcher;
  readonly lease: bigint;
  /** Resolves when the lease is gone or must be taken for gone; never rejects. */
  readonly expired: Promise<void>;
}

/** etcd's TTL of a session, in seconds. */
export const defaultSessionTtl = 60;

/** @throws ClientError */
export async function openSession(client: Client, ttl: number, pace: Pace): Promise<Session> {
  const { id } = await client.unary(methods.leaseGrant, { ttl });
  return {
    client,
    watcher: new Watcher(client, pace),
    lease: id,
    expired: keepUntilGone(client, id, pace),
  };
}

async function keepUntilGone(client: Client, id: bigint, pace: Pace): Promise<void> {
  const answers = keepAlive(client, id, pace);
  while ((await answers.next()).done !== true);
}
