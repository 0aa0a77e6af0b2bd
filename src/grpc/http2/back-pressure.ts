import type { Duplex } from 'node:stream';
import type { Output } from './output.ts';
import type { Sender } from './sender.ts';
import type { Stream } from './stream.ts';

/**
 * How much of one connection may wait to be sent. Owners are told that their streams are full; the other end, which
 * cannot be told, is no longer read when it makes us answer and does not read the answers.
 */

/** One stream alone may fill this part of what the connection may: those that are not read hold up no others. */
export const streamShare = 1 / 4;
/** Owners, and reading, may go on when what waits has fallen to this part of the limit. */
const resumeShare = 1 / 2;
/** Reading stops at so many times the limit. */
const pauseFactor = 2;
/**
 * A connection that must be read on, for the windows that its answers wait for, takes no new streams when so many times
 * the limit waits, or so many streams have something that waits: a caller who opens no window could go on for ever.
 */
const refuseFactor = 64;
export const waitingStreamsMax = 10_000;
/**
 * Requests that were taken before their answers waited may bring more of them than that. So many times the limit is
 * held for one connection to the byte, and `heldByAllMax` for all of this process; only what is within the limit of a
 * connection is always held. Other answers cannot be kept.
 */
const holdFactor = 256;
export const heldByAllMax = 512 * 1024 * 1024;

export interface BackPressureParts {
  readonly socket: Duplex;
  readonly output: Output;
  readonly sender: Sender;
  readonly unsentBytesMax: number;
}

export class BackPressure {
  private readonly socket: Duplex;
  private readonly output: Output;
  private readonly sender: Sender;
  private readonly bytesMax: number;
  private full: Stream[] = [];
  isPaused = false;
  private isResting = false;

  constructor({ socket, output, sender, unsentBytesMax }: BackPressureParts) {
    this.socket = socket;
    this.output = output;
    this.sender = sender;
    this.bytesMax = unsentBytesMax;
  }

  /** Bytes that wait for the end of the turn, for a window or in the socket. */
  private get unsentBytes(): number {
    return this.output.gatheredBytes + this.sender.weightBytes + this.output.socketBytes;
  }

  /** Some owner who was told to wait may go on. */
  get hasNews(): boolean {
    if (this.full.length === 0 || this.unsentBytes > this.bytesMax * resumeShare) return false;
    return this.full.some((stream) => stream.isClosed || this.hasRoomAgain(stream));
  }

  /** Whether the stream may be written to. If not, its owner will be told when it may. */
  hasRoom(stream: Stream): boolean {
    const isFull =
      stream.unsentBytes > this.bytesMax * streamShare || this.unsentBytes > this.bytesMax;
    if (isFull && !stream.isFull) {
      stream.isFull = true;
      this.full.push(stream);
    }
    return !isFull;
  }

  /** Tells owners that they may go on. */
  tellRoom(): void {
    if (this.full.length === 0) return;
    const waiting = this.full;
    const still: Stream[] = [];
    this.full = [];
    for (const stream of waiting) {
      if (stream.isClosed || stream.isLocalEnded || stream.isEndQueued) continue;
      if (!this.hasRoomAgain(stream)) {
        still.push(stream);
        continue;
      }
      stream.isFull = false;
      stream.listener.onDrain();
    }
    // Who was not told yet comes first the next time.
    this.full = still.concat(this.full);
  }

  private hasRoomAgain(stream: Stream): boolean {
    return (
      stream.unsentBytes <= this.bytesMax * streamShare * resumeShare &&
      this.unsentBytes <= this.bytesMax * resumeShare
    );
  }

  /** Too much waits for this connection to take one more stream. */
  get isOverfull(): boolean {
    const { waitingStreams } = this.sender;
    return waitingStreams >= waitingStreamsMax || this.unsentBytes > refuseFactor * this.bytesMax;
  }

  /** Whether an answer of so many bytes may wait here, however long nobody reads it. */
  mayHold(bytes: number): boolean {
    const held = this.sender.heldBytes + bytes;
    if (held <= this.bytesMax) return true;
    return held <= holdFactor * this.bytesMax && this.sender.heldByAllBytes + bytes <= heldByAllMax;
  }

  /** So much waits that could leave that no more is read before it has. */
  get isTooMuch(): boolean {
    return this.unsentBytes > pauseFactor * this.bytesMax && this.isMoving;
  }

  /** A chunk was read. */
  maybePause(): void {
    if (this.isPaused || !this.isTooMuch) return;
    this.isPaused = true;
    this.socket.pause();
  }

  maybeResume(): void {
    if (!this.isPaused) return;
    if (this.isMoving && this.unsentBytes > this.bytesMax * resumeShare) return;
    this.isPaused = false;
    if (!this.isResting) this.socket.resume();
  }

  /** It is we who do not read on: what the other end has sent may not have come here. */
  get isDeaf(): boolean {
    return this.isPaused || this.isResting;
  }

  /** Nothing is read until `wake`, for want of time. */
  rest(): void {
    this.isResting = true;
    this.socket.pause();
  }

  wake(): void {
    this.isResting = false;
    if (!this.isPaused) this.socket.resume();
  }

  /** What waits can leave without more being read: it needs no window update. */
  private get isMoving(): boolean {
    return this.sender.hasReady || this.output.socketBytes > 0;
  }
}
