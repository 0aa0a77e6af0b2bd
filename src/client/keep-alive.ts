import { errors } from '../wire/errors.ts';
import type { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from '../wire/lease.ts';
import { ClientError } from './client-error.ts';
import type { Client } from './client.ts';
import type { MessageStream } from './message-stream.ts';
import { streamMethods } from './methods.ts';
import { isWorthRetrying, retryPauseMs, type Pace } from './pace.ts';

/** How long the first answer may take, before the lease's TTL is known (client/v3/lease.go). */
const firstAnswerMs = 5000;

/**
 * Prolongs a lease whenever a third of its TTL is over, and yields each answer. Ends when the lease is gone, or no
 * answer has come for its whole TTL, after which it must be taken for gone.
 */
export async function* keepAlive(
  client: Client,
  id: bigint,
  pace: Pace,
): AsyncGenerator<LeaseKeepAliveResponse, void> {
  let deadlineMs = performance.now() + firstAnswerMs;
  while (performance.now() < deadlineMs && !client.closed) {
    try {
      const stream = await client.openStream(streamMethods.leaseKeepAlive, deadlineMs);
      try {
        for (;;) {
          const response = await nextWithin(stream, id, deadlineMs);
          if (response === undefined) break;
          if (response.ttl <= 0) return;
          deadlineMs = performance.now() + response.ttl * 1000;
          yield response;
          await pace.sleep((response.ttl * 1000) / 3);
        }
      } finally {
        stream.cancel();
      }
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
    }
    await pace.sleep(retryPauseMs);
  }
}

/** Undefined when the server has ended the stream. */
async function nextWithin(
  stream: MessageStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>,
  id: bigint,
  deadlineMs: number,
): Promise<LeaseKeepAliveResponse | undefined> {
  stream.send({ id });
  const timer = setTimeout(() => stream.cancel(), Math.max(0, deadlineMs - performance.now()));
  try {
    return (await stream.next()).value;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Prolongs a lease once.
 * @throws ClientError also when there is no such lease
 */
export async function keepAliveOnce(
  client: Client,
  id: bigint,
  timeoutMs: number,
  pace: Pace,
): Promise<LeaseKeepAliveResponse> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      const stream = await client.openStream(streamMethods.leaseKeepAlive, deadlineMs);
      try {
        const response = await nextWithin(stream, id, deadlineMs);
        if (response !== undefined && response.ttl > 0) return response;
      } finally {
        stream.cancel();
      }
      throw new ClientError(errors.leaseNotFound.code, errors.leaseNotFound.text);
    } catch (error) {
      if (!(error instanceof ClientError) || !isWorthRetrying(error)) throw error;
      if (performance.now() + retryPauseMs >= deadlineMs) throw error;
    }
    await pace.sleep(retryPauseMs);
  }
}
