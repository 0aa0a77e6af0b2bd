import type { Timer } from '../base/clock.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Message } from '../raft/types.ts';
import type { PeerContext } from './context.ts';
import { SnapshotReply, SnapshotRequest, snapshotPath, type HelloReply } from './messages.ts';
import { Opening } from './opening.ts';
import type { PeerAddress, SnapshotSource } from './types.ts';

export interface OutgoingSnapshotOptions {
  readonly context: PeerContext;
  readonly peer: PeerAddress;
  readonly peerUrl: string;
  readonly message: Message & { readonly type: 'MsgSnap' };
  /** Closed when the stream is over. */
  readonly source: SnapshotSource;
  /** Called once; `reason` is undefined when the other side has the image in place. */
  readonly ended: (reason: string | undefined) => void;
}

/** A store image on its way to another member, at the pace at which that one writes it. */
export class OutgoingSnapshot {
  private readonly options: OutgoingSnapshotOptions;
  private readonly opening: Opening;
  private stallTimer: Timer | undefined;
  private sentChunks = 0;
  private sentBytes = 0;
  private writtenChunks = 0;
  private isReading = false;
  private isAllRead = false;
  private isOver = false;

  constructor(options: OutgoingSnapshotOptions) {
    this.options = options;
    const { context, peer } = options;
    this.opening = new Opening({
      context,
      peer,
      peerUrl: options.peerUrl,
      lane: 'snapshot',
      path: snapshotPath,
      wrapHello: (value) => SnapshotRequest.encode({ request: { case: 'hello', value } }),
      unwrapHello,
      events: {
        opened: () => this.begin(),
        replied: (reply) => this.replied(reply),
        // The window bounds what is under way more tightly than the send buffer does.
        drained: () => undefined,
        ended: (reason) => this.finish(reason),
      },
    });
  }

  start(): void {
    this.expectProgress();
    this.opening.connect();
  }

  abort(reason: string): void {
    this.finish(reason);
  }

  private begin(): void {
    const { message: value } = this.options;
    this.opening.send(SnapshotRequest.encode({ request: { case: 'begin', value } }));
    this.pump();
  }

  private pump(): void {
    const { source, context } = this.options;
    const { snapshotChunkBytes, snapshotWindowChunks } = context.limits;
    if (this.isReading || this.isAllRead || this.isOver) return;
    if (this.sentChunks - this.writtenChunks >= snapshotWindowChunks) return;
    this.isReading = true;
    source.read(snapshotChunkBytes, (chunk) => {
      this.isReading = false;
      if (this.isOver) return;
      if (chunk === undefined) this.sendEnd();
      else this.sendChunk(chunk);
    });
  }

  private sendChunk(chunk: Bytes): void {
    const { context, peer } = this.options;
    const frame = SnapshotRequest.encode({ request: { case: 'chunk', value: chunk } });
    this.sentChunks++;
    this.sentBytes += chunk.length;
    context.metrics.sent(peer.memberId, frame.length);
    this.expectProgress();
    this.opening.send(frame);
    this.pump();
  }

  private sendEnd(): void {
    this.isAllRead = true;
    const value = { sizeBytes: this.sentBytes };
    this.opening.send(SnapshotRequest.encode({ request: { case: 'end', value } }));
  }

  private replied(message: Bytes): void {
    const { reply } = SnapshotReply.decode(message);
    this.options.context.heard(this.options.peer.memberId);
    if (reply?.case === 'written') {
      this.writtenChunks = Math.min(this.sentChunks, reply.value.chunks);
      this.expectProgress();
      this.pump();
    } else if (reply?.case === 'done') {
      const { refused } = reply.value;
      this.finish(refused === '' && this.isAllRead ? undefined : refused || 'ended too early');
    }
  }

  private expectProgress(): void {
    const { scheduler, limits } = this.options.context;
    this.stallTimer?.cancel();
    this.stallTimer = scheduler.after(limits.snapshotStallMs, () => {
      this.finish(`nothing moved for ${limits.snapshotStallMs} ms`);
    });
  }

  private finish(reason: string | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.stallTimer?.cancel();
    this.opening.close();
    this.options.source.close();
    this.options.ended(reason);
  }
}

function unwrapHello(message: Bytes): HelloReply | undefined {
  const { reply } = SnapshotReply.decode(message);
  return reply?.case === 'hello' ? reply.value : undefined;
}
