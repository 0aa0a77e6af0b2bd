import { Code, errors } from '../wire/errors.ts';
import { ResponseHeader } from '../wire/header.ts';
import { WatchCreateRequest, WatchResponse, type WatchRequest } from '../wire/watch.ts';
import { ClientError } from './client-error.ts';
import type { Client } from './client.ts';
import type { MessageStream } from './message-stream.ts';
import { streamMethods } from './methods.ts';
import { isWorthRetrying, type Pace } from './pace.ts';

/** What a watch tells: a response, and the error with which it ends, if it does. */
export interface WatchNews {
  readonly response: WatchResponse;
  readonly error: ClientError | undefined;
}

/** Pause before a stream that was lost is opened anew. */
const reopenPauseMs = 100;

/** Responses that wait for the reader of one watch; the stream waits when there are more. */
const waitingMax = 64;

/**
 * Watches that share one stream. When it is lost they go on with the next one, perhaps at another member, from the
 * revision after the last that they were told of: no event is lost or told twice (client/v3/watch.go).
 */
export class Watcher {
  private readonly client: Client;
  private readonly pace: Pace;
  /** Created on the stream there is, by the id that the server gave them. */
  private readonly created = new Map<bigint, Watch>();
  /** To be created, in this order; the first has been asked for. One at a time, so that answers find their watch. */
  private pending: Watch[] = [];
  /** Asked for while there was no stream. */
  private progressRequests = 0;
  private stream: MessageStream<WatchRequest, WatchResponse> | undefined;
  private isRunning = false;
  /** The stream has been given up, as nobody watches; who comes meanwhile gets another. */
  private isLeft = false;

  constructor(client: Client, pace: Pace) {
    this.client = client;
    this.pace = pace;
  }

  /** Tells everything but that the watch was created. Fragments are not asked for. */
  watch(request: Partial<Omit<WatchCreateRequest, 'fragment' | 'watchId'>>): Watch {
    const watch = new Watch(WatchCreateRequest.create(request), () => this.leave(watch));
    this.pending.push(watch);
    if (this.pending.length === 1) this.askForFirst();
    this.start();
    return watch;
  }

  /** All watches will be told how far they are, once each of them has everything. */
  requestProgress(): void {
    if (this.stream === undefined) this.progressRequests += 1;
    else this.stream.send({ request: { case: 'progressRequest', value: {} } });
    this.start();
  }

  private start(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    void this.run();
  }

  private async run(): Promise<void> {
    for (;;) {
      const error = await this.useOneStream();
      this.stream = undefined;
      const watches = [...this.created.values(), ...this.pending].filter(({ isOver }) => !isOver);
      this.created.clear();
      this.pending = watches;
      const isFinal = !isWorthRetrying(error) || error.message === errors.noLeader.text;
      if (watches.length === 0 || (isFinal && !this.isLeft)) {
        this.pending = [];
        this.isRunning = false;
        this.isLeft = false;
        for (const watch of watches) watch.fail(error);
        return;
      }
      if (!this.isLeft) await this.pace.sleep(reopenPauseMs);
      this.isLeft = false;
    }
  }

  /** Returns why the stream ended. */
  private async useOneStream(): Promise<ClientError> {
    try {
      const stream = await this.client.openStream(streamMethods.watch);
      this.stream = stream;
      this.askForFirst();
      for (; this.progressRequests > 0; this.progressRequests--) this.requestProgress();
      for await (const response of stream) await this.take(response);
      return new ClientError(Code.Unknown, 'EOF');
    } catch (error) {
      if (error instanceof ClientError) return error;
      throw error;
    }
  }

  private askForFirst(): void {
    const [first] = this.pending;
    if (first === undefined || this.stream === undefined) return;
    this.stream.send({ request: { case: 'createRequest', value: first.request } });
  }

  private async take(response: WatchResponse): Promise<void> {
    const { watchId } = response;
    if (response.created) return this.takeCreated(response);
    if (response.canceled) {
      const watch = this.created.get(watchId);
      this.created.delete(watchId);
      // Cancelled without a compaction was asked for, by ourselves.
      if (response.compactRevision === 0) watch?.finish();
      else await watch?.tell({ response, error: describeCanceled(response) });
      return;
    }
    const news = { response, error: undefined };
    if (watchId === everyWatch) {
      for (const watch of this.created.values()) await watch.tell(news);
    } else await this.created.get(watchId)?.tell(news);
  }

  private async takeCreated(response: WatchResponse): Promise<void> {
    const watch = this.pending.shift();
    this.askForFirst();
    if (watch === undefined) return;
    if (response.canceled) {
      await watch.tell({ response, error: describeCanceled(response) });
    } else {
      watch.takeCreated(response);
      this.created.set(response.watchId, watch);
      if (watch.isOver) this.cancel(response.watchId);
    }
  }

  /** The reader of a watch has gone. */
  private leave(watch: Watch): void {
    for (const [id, other] of this.created) if (other === watch) this.cancel(id);
    const isAskedFor = this.stream !== undefined && this.pending[0] === watch;
    // One that has been asked for is cancelled when it is created.
    if (!isAskedFor) this.pending = this.pending.filter((other) => other !== watch);
    if (this.created.size > 0 || this.pending.some(({ isOver }) => !isOver)) return;
    this.isLeft = this.stream !== undefined;
    this.stream?.cancel();
    this.stream = undefined;
  }

  private cancel(watchId: bigint): void {
    this.created.delete(watchId);
    this.stream?.send({ request: { case: 'cancelRequest', value: { watchId } } });
  }
}

/** Progress that was asked for speaks for all watches of the stream. */
const everyWatch = -1n;

function describeCanceled({ compactRevision, cancelReason }: WatchResponse): ClientError {
  if (compactRevision !== 0) {
    return new ClientError(errors.compacted.code, errors.compacted.text);
  }
  return cancelReason === ''
    ? new ClientError(errors.futureRevision.code, errors.futureRevision.text)
    : new ClientError(Code.FailedPrecondition, cancelReason);
}

/** One watch, for a single reader. */
export class Watch implements AsyncIterableIterator<WatchNews> {
  private asked: WatchCreateRequest;
  private readonly waiting: WatchNews[] = [];
  private readonly onLeave: () => void;
  private wakeReader: (() => void) | undefined;
  private wakeWriter: (() => void) | undefined;
  private hasEnded = false;

  constructor(request: WatchCreateRequest, onLeave: () => void) {
    this.asked = request;
    this.onLeave = onLeave;
  }

  /** How to create it now, so that it goes on where it is. */
  get request(): WatchCreateRequest {
    return this.asked;
  }

  get isOver(): boolean {
    return this.hasEnded;
  }

  takeCreated({ header }: WatchResponse): void {
    // Without a revision it is from the next one on, also when it is created once more.
    if (this.asked.startRevision === 0) this.goOnFrom((header?.revision ?? 0) + 1);
  }

  /** Resolves when there is room for more. */
  async tell(news: WatchNews): Promise<void> {
    if (this.hasEnded) return;
    const { response, error } = news;
    const last = response.events.at(-1)?.kv?.modRevision;
    this.goOnFrom((last ?? response.header?.revision ?? 0) + 1);
    this.waiting.push(news);
    this.hasEnded = error !== undefined;
    this.wakeReader?.();
    if (this.waiting.length >= waitingMax) {
      await new Promise<void>((wake) => (this.wakeWriter = wake));
    }
  }

  fail(error: ClientError): void {
    const response = WatchResponse.create({ header: ResponseHeader.create(), canceled: true });
    void this.tell({ response, error });
  }

  finish(): void {
    this.hasEnded = true;
    this.wakeReader?.();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<WatchNews, undefined>> {
    for (;;) {
      const news = this.waiting.shift();
      if (news !== undefined) {
        this.wakeWriter?.();
        return { done: false, value: news };
      }
      if (this.hasEnded) return { done: true, value: undefined };
      await new Promise<void>((wake) => (this.wakeReader = wake));
    }
  }

  /** Leaving a `for await` cancels the watch. */
  return(): Promise<IteratorResult<WatchNews, undefined>> {
    this.cancel();
    return Promise.resolve({ done: true, value: undefined });
  }

  cancel(): void {
    if (this.hasEnded) return;
    this.waiting.length = 0;
    this.finish();
    this.wakeWriter?.();
    this.onLeave();
  }

  private goOnFrom(revision: number): void {
    if (revision > this.asked.startRevision) {
      this.asked = { ...this.asked, startRevision: revision };
    }
  }
}
