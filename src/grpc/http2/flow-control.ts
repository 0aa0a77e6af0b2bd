import { FrameType, initialWindowBytes } from './frames.ts';
import type { Output } from './output.ts';
import type { Stream } from './stream.ts';

/**
 * The receiving half of flow control (RFC 9113, section 5.2): what the other end may send ahead of us. What the owners
 * of streams give back is told at the end of the turn, once half a window has come together.
 */
export class ReceiveWindows {
  private readonly output: Output;
  private readonly streamBytes: number;
  private readonly connectionBytes: number;
  /** What the other end may still send on the connection; given back and not yet told. */
  private window = initialWindowBytes;
  private returnedBytes = 0;
  private due: Stream[] = [];
  /** Of a new stream: until our SETTINGS are acknowledged, the other end may go by the protocol's own size. */
  streamWindow: number;

  constructor(output: Output, sizes: { streamBytes: number; connectionBytes: number }) {
    this.output = output;
    this.streamBytes = sizes.streamBytes;
    this.connectionBytes = Math.max(sizes.connectionBytes, initialWindowBytes);
    this.streamWindow = Math.max(sizes.streamBytes, initialWindowBytes);
  }

  /** Widens the connection's window to its size: only WINDOW_UPDATE can (section 6.9.2). */
  open(): void {
    this.returnedBytes = this.connectionBytes - initialWindowBytes;
    if (this.returnedBytes > 0) this.tellConnection();
  }

  /** The other end has our SETTINGS: how much a stream's window is narrower than was allowed until now. */
  settle(): number {
    const excess = this.streamWindow - this.streamBytes;
    this.streamWindow = this.streamBytes;
    return excess;
  }

  /** A DATA frame has come. False: the other end has sent more than the connection's window. */
  take(bytes: number): boolean {
    this.window -= bytes;
    return this.window >= 0;
  }

  /** Bytes of the connection that nobody has to deal with any more. */
  giveBack(bytes: number): void {
    this.returnedBytes += bytes;
  }

  /** Bytes of a stream that go on may be sent again. */
  giveBackOf(stream: Stream, bytes: number): void {
    this.returnedBytes += bytes;
    if (stream.isRemoteEnded) return;
    stream.returnedBytes += bytes;
    if (stream.isUpdateDue || stream.returnedBytes * 2 < this.streamBytes) return;
    stream.isUpdateDue = true;
    this.due.push(stream);
  }

  /** Whether WINDOW_UPDATE is due for the connection or a stream. */
  get isDue(): boolean {
    return this.due.length > 0 || this.returnedBytes * 2 >= this.connectionBytes;
  }

  /** Writes the WINDOW_UPDATE frames that are due. */
  tell(): void {
    if (this.returnedBytes * 2 >= this.connectionBytes) this.tellConnection();
    if (this.due.length === 0) return;
    for (const stream of this.due) {
      stream.isUpdateDue = false;
      if (stream.isClosed || stream.isRemoteEnded) continue;
      this.emit(stream.id, stream.returnedBytes);
      stream.receiveWindow += stream.returnedBytes;
      stream.returnedBytes = 0;
    }
    this.due.length = 0;
  }

  private tellConnection(): void {
    this.emit(0, this.returnedBytes);
    this.window += this.returnedBytes;
    this.returnedBytes = 0;
  }

  private emit(streamId: number, bytes: number): void {
    this.output.frame(4, FrameType.WINDOW_UPDATE, 0, streamId);
    this.output.uint32(bytes);
  }
}
