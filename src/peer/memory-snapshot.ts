import type { Bytes } from '../base/bytes.ts';
import type { Scheduler, Timer } from '../base/clock.ts';
import type { MemberId, Message } from '../raft/types.ts';
import { defaultPeerLimits } from './limits.ts';
import type { SnapshotSink, SnapshotSource, TransportEvents } from './types.ts';

const { snapshotChunkBytes, snapshotStallMs } = defaultPeerLimits;

interface Options {
  readonly message: Message & { readonly type: 'MsgSnap' };
  readonly source: SnapshotSource;
  readonly scheduler: Scheduler;
  readonly receiver: { readonly events: TransportEvents; accepts(from: MemberId): boolean };
  readonly nextDelayMs: () => number | undefined;
  /** Called exactly once. */
  readonly ended: (isDelivered: boolean) => void;
}

/** A snapshot on its way through a memory network: the next chunk is read when the last one is written. */
export class MemorySnapshotStream {
  private readonly options: Options;
  private sink: SnapshotSink | undefined;
  private isOver = false;
  /** Once the sink has been told of the end it can no longer be aborted. */
  private isSinkEnded = false;
  private stallTimer: Timer | undefined;

  constructor(options: Options) {
    this.options = options;
  }

  start(): void {
    this.travel(() => {
      const { message, receiver } = this.options;
      if (!receiver.accepts(message.from)) return this.fail();
      const sink = receiver.events.snapshotOffered(message.from, message.snapshot, message.term);
      if (typeof sink === 'string') return this.fail();
      this.sink = sink;
      this.pull();
    });
  }

  fail(): void {
    this.finish(false);
  }

  private pull(): void {
    this.expectProgress();
    this.options.source.read(snapshotChunkBytes, (chunk) => {
      if (this.isOver) return;
      this.travel(() => (chunk === undefined ? this.end() : this.write(chunk)));
    });
  }

  private write(chunk: Bytes): void {
    this.sink?.write(chunk, () => {
      if (!this.isOver) this.travel(() => this.pull());
    });
  }

  private end(): void {
    this.isSinkEnded = true;
    this.sink?.end((refused) => {
      if (!this.isOver) this.travel(() => this.finish(refused === undefined));
    });
  }

  private finish(isDelivered: boolean): void {
    if (this.isOver) return;
    this.isOver = true;
    this.stallTimer?.cancel();
    this.options.source.close();
    if (!this.isSinkEnded) this.sink?.abort();
    this.options.ended(isDelivered);
  }

  /** Goes on at the other end of the link, unless the link breaks. */
  private travel(action: () => void): void {
    const delayMs = this.options.nextDelayMs();
    if (delayMs === undefined) return this.fail();
    this.options.scheduler.after(delayMs, () => {
      if (!this.isOver) action();
    });
  }

  private expectProgress(): void {
    this.stallTimer?.cancel();
    this.stallTimer = this.options.scheduler.after(snapshotStallMs, () => this.fail());
  }
}
