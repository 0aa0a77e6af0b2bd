import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { writeUint32, type Bytes } from '../../base/bytes.ts';
import { bufferOf } from '../bytes.ts';
import { frameHeaderBytes } from './frames.ts';

/**
 * What one turn of the event loop has to say on one connection, gathered and given to the socket as one write: small
 * things are copied into a slab, large payloads are referenced.
 */

/** Small frames of all connections are gathered in slabs of this size, which go round. */
const slabBytes = 32 * 1024;
/** Slabs that wait for their next use; further ones are left to the garbage collector. */
const sparesMax = 64;
/** Payloads up to this length are copied: a reference of their own would cost the socket more. */
export const copiedBytesMax = 4096;
/** Below this a loop beats the view that `set` needs. */
const loopBytesMax = 24;

const spares: Buffer[] = [];

function takeSlab(): Buffer {
  return spares.pop() ?? Buffer.allocUnsafeSlow(slabBytes);
}

export class Output {
  private readonly socket: Duplex;
  private readonly onWritten: () => void;
  private slab: Buffer | undefined;
  /** What is not yet among `parts` lies in the slab from here to `at`. */
  private from = 0;
  private at = 0;
  private parts: Buffer[] = [];
  /** Slabs that are full and are referenced by `parts`. */
  private fullSlabs: Buffer[] = [];
  /** Gathered since the last `flush`. */
  gatheredBytes = 0;
  /** Whether a socket has taken a write at once is known of Node's own sockets only. */
  private readonly canReuse: boolean;

  constructor(socket: Duplex, onWritten: () => void) {
    this.socket = socket;
    this.onWritten = onWritten;
    this.canReuse = socket instanceof Socket;
  }

  /** Bytes that the socket holds because the network does not take them. */
  get socketBytes(): number {
    return this.socket.writableLength;
  }

  /** Starts a frame: its payload must follow, by `uint32`, `copy` and `refer`. */
  frame(length: number, type: number, flags: number, streamId: number): void {
    const slab = this.room(frameHeaderBytes);
    const at = this.at;
    slab[at] = length >>> 16;
    slab[at + 1] = length >>> 8;
    slab[at + 2] = length;
    slab[at + 3] = type;
    slab[at + 4] = flags;
    slab[at + 5] = streamId >>> 24;
    slab[at + 6] = streamId >>> 16;
    slab[at + 7] = streamId >>> 8;
    slab[at + 8] = streamId;
    this.at = at + frameHeaderBytes;
    this.gatheredBytes += frameHeaderBytes;
  }

  uint32(value: number): void {
    const slab = this.room(4);
    writeUint32(slab, this.at, value);
    this.at += 4;
    this.gatheredBytes += 4;
  }

  uint16(value: number): void {
    const slab = this.room(2);
    slab[this.at] = value >>> 8;
    slab[this.at + 1] = value;
    this.at += 2;
    this.gatheredBytes += 2;
  }

  /** Copies a small payload, or the part from `start` to `end` of one. */
  copy(bytes: Bytes, start: number, end: number): void {
    const length = end - start;
    const slab = this.room(length);
    if (length > loopBytesMax) {
      slab.set(length === bytes.length ? bytes : bytes.subarray(start, end), this.at);
    } else for (let i = 0; i < length; i++) slab[this.at + i] = bytes[start + i] as number;
    this.at += length;
    this.gatheredBytes += length;
  }

  /** Sends these very bytes: they must not change before they have left. */
  refer(bytes: Bytes): void {
    this.endPart();
    this.parts.push(bufferOf(bytes));
    this.gatheredBytes += bytes.length;
  }

  /** Gives everything to the socket, as one write. */
  flush(): void {
    if (this.gatheredBytes === 0) return;
    this.gatheredBytes = 0;
    const { socket, parts } = this;
    if (socket.destroyed || !socket.writable) return this.discard();
    if (parts.length === 0) {
      socket.write((this.slab as Buffer).subarray(this.from, this.at), this.onWritten);
    } else {
      this.endPart();
      socket.cork();
      const last = parts.length - 1;
      for (let i = 0; i < last; i++) socket.write(parts[i] as Buffer);
      socket.write(parts[last] as Buffer, this.onWritten);
      socket.uncork();
    }
    this.release(this.canReuse && socket.writableLength === 0);
  }

  discard(): void {
    this.gatheredBytes = 0;
    this.release(true);
  }

  /** The slab with room for so many bytes at `at`. */
  private room(bytes: number): Buffer {
    if (this.slab !== undefined) {
      if (this.at + bytes <= slabBytes) return this.slab;
      this.endPart();
      this.fullSlabs.push(this.slab);
    }
    this.slab = takeSlab();
    this.from = 0;
    this.at = 0;
    return this.slab;
  }

  private endPart(): void {
    if (this.slab === undefined || this.at === this.from) return;
    this.parts.push(this.slab.subarray(this.from, this.at));
    this.from = this.at;
  }

  /** Slabs that the socket has taken in at once are free again; of others nobody knows when they will be. */
  private release(areFree: boolean): void {
    if (this.slab !== undefined && areFree && spares.length < sparesMax) spares.push(this.slab);
    this.slab = undefined;
    this.from = 0;
    this.at = 0;
    if (this.parts.length > 0) this.parts = [];
    if (this.fullSlabs.length === 0) return;
    for (const slab of this.fullSlabs) {
      if (areFree && spares.length < sparesMax) spares.push(slab);
    }
    this.fullSlabs = [];
  }
}
