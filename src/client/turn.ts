import type { Bytes } from '../base/bytes.ts';
import { Code } from '../wire/errors.ts';
import { EventType, KeyValue } from '../wire/mvccpb.ts';
import { predecessorRequest } from '../wire/session-key.ts';
import { ClientError } from './client-error.ts';
import type { Session } from './session.ts';
import type { Watch, WatchNews } from './watcher.ts';

/** What a caller uses to stop waiting; the wait then ends with `Canceled`. */
export type Stop = AbortSignal;

/**
 * Waits until no key below `prefix` is older than `createRevision` (client/v3/concurrency/key.go, waitDeletes): only
 * ever for the youngest of them, so that one deletion wakes one waiter.
 * @throws ClientError
 */
export async function waitForTurn(
  session: Session,
  prefix: Bytes,
  createRevision: number,
  stop: Stop,
): Promise<void> {
  for (;;) {
    mustGoOn(stop);
    const { kvs, header } = await session.client.range(predecessorRequest(prefix, createRevision));
    const [encoded] = kvs;
    if (encoded === undefined) return;
    const { key } = KeyValue.decode(encoded);
    const watch = session.watcher.watch({ key, startRevision: header?.revision ?? 0 });
    await untilDeleted(watch, stop);
  }
}

async function untilDeleted(watch: Watch, stop: Stop): Promise<void> {
  for await (const { response, error } of untilStopped(watch, stop)) {
    if (error !== undefined) throw error;
    if (response.events.some(({ type }) => type === EventType.DELETE)) return;
  }
  mustGoOn(stop);
  throw new ClientError(Code.Unknown, 'lost watcher waiting for delete');
}

/** The same watch, which ends when its reader is told to stop. */
export async function* untilStopped(watch: Watch, stop: Stop): AsyncGenerator<WatchNews, void> {
  const cancel = (): void => watch.cancel();
  stop.addEventListener('abort', cancel, { once: true });
  try {
    if (!stop.aborted) yield* watch;
  } finally {
    stop.removeEventListener('abort', cancel);
    watch.cancel();
  }
}

/** @throws ClientError */
export function mustGoOn(stop: Stop): void {
  if (stop.aborted) throw new ClientError(Code.Canceled, 'context canceled');
}
