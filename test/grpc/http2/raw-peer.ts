import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { concatBytes, readUint32, textOf, utf8, writeUint32 } from '../../../src/base/bytes.ts';
import { clientPreface, FrameType } from '../../../src/grpc/http2/frames.ts';
import { requestFields } from './connections.ts';

/** The other end as a writer of single frames, right or wrong ones, that collects what comes back. */

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
}

export const endStream = 1;
export const ack = 1;
export const endHeaders = 4;
export const padded = 8;
export const priority = 0x20;

export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array | readonly number[] = [],
): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  writeUint32(bytes, 0, payload.length << 8);
  bytes[3] = type;
  bytes[4] = flags;
  writeUint32(bytes, 5, streamId);
  bytes.set(payload, 9);
  return bytes;
}

export function u32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

export function setting(id: number, value: number): number[] {
  return [0, id, ...u32(value)];
}

/** A header block that uses no dynamic table: it can be sent at any time. */
export function block(fields: readonly string[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = utf8(fields[i] ?? '');
    const value = utf8(fields[i + 1] ?? '');
    parts.push(new Uint8Array([0, ...length(name.length)]), name);
    parts.push(new Uint8Array(length(value.length)), value);
  }
  return concatBytes(parts);
}

/** A string's length, 7-bit prefix (RFC 7541, section 5.1). */
function length(value: number): number[] {
  if (value < 127) return [value];
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = rest >>> 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

export const request = block(requestFields);

export function headers(
  streamId: number,
  flags: number,
  payload: Uint8Array = request,
): Uint8Array {
  return frame(FrameType.HEADERS, flags, streamId, payload);
}

export function data(streamId: number, flags: number, bytes: number): Uint8Array {
  return frame(FrameType.DATA, flags, streamId, new Uint8Array(bytes));
}

export class RawPeer {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  isEnded = false;
  private rest: Uint8Array = new Uint8Array(0);
  private hasPreface: boolean;
  private waiting: (() => void)[] = [];

  constructor(socket: Socket, isServer: boolean) {
    this.socket = socket;
    this.hasPreface = !isServer;
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isEnded = true;
      this.wake();
    });
  }

  send(...frames: readonly Uint8Array[]): void {
    this.socket.write(concatBytes(frames));
  }

  /** The first frame, from the `from`th on, that is as wanted. Fails when the connection ends before it. */
  async until(wanted: (frame: Frame) => boolean, from = 0): Promise<Frame> {
    for (;;) {
      const found = this.frames.slice(from).find(wanted);
      if (found !== undefined) return found;
      if (this.isEnded) throw new Error(`the connection ended after ${this.describe()}`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  async ended(): Promise<void> {
    while (!this.isEnded) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** The code and the debug text of the GOAWAY that ends the connection. */
  async goAway(): Promise<{ code: number; lastId: number; text: string }> {
    const { payload } = await this.until((one) => one.type === FrameType.GOAWAY);
    return {
      lastId: readUint32(payload, 0),
      code: readUint32(payload, 4),
      text: textOf(payload.subarray(8)),
    };
  }

  async reset(streamId: number): Promise<number> {
    const { payload } = await this.until(
      (one) => one.type === FrameType.RST_STREAM && one.streamId === streamId,
    );
    return readUint32(payload, 0);
  }

  /** Everything sent so far has been dealt with: a ping was answered. */
  async settled(): Promise<void> {
    const from = this.frames.length;
    this.send(frame(FrameType.PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]));
    await this.until((one) => one.type === FrameType.PING && one.flags === ack, from);
  }

  describe(): string {
    return JSON.stringify(this.frames.map(({ type, flags, streamId }) => [type, flags, streamId]));
  }

  private take(chunk: Uint8Array): void {
    let bytes = concatBytes([this.rest, chunk]);
    if (!this.hasPreface) {
      if (bytes.length < clientPreface.length) {
        this.rest = bytes;
        return;
      }
      this.hasPreface = true;
      bytes = bytes.subarray(clientPreface.length);
    }
    while (bytes.length >= 9) {
      const end = 9 + (readUint32(bytes, 0) >>> 8);
      if (bytes.length < end) break;
      this.frames.push({
        type: bytes[3] ?? 0,
        flags: bytes[4] ?? 0,
        streamId: readUint32(bytes, 5),
        payload: bytes.slice(9, end),
      });
      bytes = bytes.subarray(end);
    }
    this.rest = bytes;
    this.wake();
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}

export const emptySettings = frame(FrameType.SETTINGS, 0, 0);
export const settingsAck = frame(FrameType.SETTINGS, ack, 0);

/** A client that has got as far as SETTINGS in both directions. */
export async function connectRaw(port: number, settings = emptySettings): Promise<RawPeer> {
  const peer = new RawPeer(connect({ port, host: '127.0.0.1', noDelay: true }), false);
  peer.send(clientPreface, settings, settingsAck);
  await peer.until((one) => one.type === FrameType.SETTINGS && one.flags === ack);
  return peer;
}

/** A server that waits for one client, and has said nothing yet. */
export async function listenRaw(): Promise<{ port: number; accepted: Promise<RawPeer> }> {
  let accept: (peer: RawPeer) => void;
  const accepted = new Promise<RawPeer>((resolve) => (accept = resolve));
  const server = createServer({ noDelay: true }, (socket) => {
    server.close();
    accept(new RawPeer(socket, true));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, accepted };
}
