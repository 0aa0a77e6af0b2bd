import type { Timer } from '../base/clock.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Message } from '../raft/types.ts';
import { Code } from '../wire/errors.ts';
import { WireError } from '../wire/varint.ts';
import { Incoming } from './incoming.ts';
import { SnapshotReply, SnapshotRequest, type HelloReply, type HelloRequest } from './messages.ts';
import type { SnapshotSink } from './types.ts';

/** A store image that another member streams to this one: chunks are written one after the other. */
export class IncomingSnapshot extends Incoming {
  private sink: SnapshotSink | undefined;
  private readonly waiting: Bytes[] = [];
  private isWriting = false;
  private writtenChunks = 0;
  private receivedBytes = 0;
  private expectedBytes: number | undefined;
  /** The sink has been told that all is in: it can no longer be aborted. */
  private isEnding = false;
  private stallTimer: Timer | undefined;
  private keepAliveTimer: Timer | undefined;

  static unwrapHello(request: Bytes): HelloRequest | undefined {
    const decoded = SnapshotRequest.decode(request).request;
    return decoded?.case === 'hello' ? decoded.value : undefined;
  }

  static wrapHello(value: HelloReply): Bytes {
    return SnapshotReply.encode({ reply: { case: 'hello', value } });
  }

  protected receive(message: Bytes): void {
    const { request } = SnapshotRequest.decode(message);
    switch (request?.case) {
      case 'begin':
        return this.begin(request.value);
      case 'chunk':
        return this.take(request.value);
      case 'end':
        return this.takeEnd(request.value.sizeBytes);
      case 'hello':
        throw new WireError('peer: a second hello');
      case undefined:
        throw new WireError('peer: a snapshot request of an unknown kind');
    }
  }

  protected receiveEnd(): void {
    if (this.expectedBytes === undefined) this.end(Code.Aborted, 'the snapshot was broken off');
  }

  protected closed(): void {
    this.stallTimer?.cancel();
    this.keepAliveTimer?.cancel();
    this.waiting.length = 0;
    const { sink } = this;
    this.sink = undefined;
    if (!this.isEnding) sink?.abort();
  }

  private begin(message: Message): void {
    if (message.type !== 'MsgSnap' || message.from !== this.from || this.sink !== undefined) {
      throw new WireError('peer: a snapshot begins with one MsgSnap of the member that sends it');
    }
    const offered = this.context.events.snapshotOffered(this.from, message.snapshot, message.term);
    if (typeof offered === 'string') return this.done(offered);
    this.sink = offered;
    this.expectProgress();
  }

  private take(chunk: Bytes): void {
    if (this.sink === undefined || this.expectedBytes !== undefined) {
      throw new WireError('peer: a snapshot chunk out of place');
    }
    this.waiting.push(chunk);
    this.receivedBytes += chunk.length;
    if (this.waiting.length > this.context.limits.snapshotWindowChunks) {
      throw new WireError('peer: more snapshot chunks under way than agreed');
    }
    this.writeNext();
  }

  private takeEnd(sizeBytes: number): void {
    if (this.sink === undefined || this.expectedBytes !== undefined) {
      throw new WireError('peer: the end of a snapshot out of place');
    }
    if (sizeBytes !== this.receivedBytes) {
      throw new WireError(`peer: a snapshot of ${sizeBytes} bytes ended at ${this.receivedBytes}`);
    }
    this.expectedBytes = sizeBytes;
    this.writeNext();
  }

  private writeNext(): void {
    const { sink } = this;
    if (this.isWriting || sink === undefined) return;
    const chunk = this.waiting[0];
    if (chunk === undefined) {
      if (this.expectedBytes !== undefined) this.endSink(sink);
      return;
    }
    this.isWriting = true;
    sink.write(chunk, () => {
      this.isWriting = false;
      if (this.isClosed) return;
      this.waiting.shift();
      this.writtenChunks++;
      this.expectProgress();
      this.reportWritten();
      this.writeNext();
    });
  }

  private endSink(sink: SnapshotSink): void {
    this.isEnding = true;
    this.stallTimer?.cancel();
    this.keepAlive();
    sink.end((refused) => {
      if (!this.isClosed) this.done(refused ?? '');
    });
  }

  private done(refused: string): void {
    this.call.send(SnapshotReply.encode({ reply: { case: 'done', value: { refused } } }));
    this.end(Code.OK, '');
  }

  private reportWritten(): void {
    const value = { chunks: this.writtenChunks };
    this.call.send(SnapshotReply.encode({ reply: { case: 'written', value } }));
  }

  /** Putting a large image in place takes a while: the sender must know that there is someone at work. */
  private keepAlive(): void {
    this.keepAliveTimer = this.context.scheduler.after(
      this.context.limits.snapshotKeepAliveMs,
      () => {
        this.reportWritten();
        this.keepAlive();
      },
    );
  }

  private expectProgress(): void {
    this.stallTimer?.cancel();
    const { scheduler, limits } = this.context;
    this.stallTimer = scheduler.after(limits.snapshotStallMs, () => {
      this.end(Code.DeadlineExceeded, `nothing moved for ${limits.snapshotStallMs} ms`);
    });
  }
}
