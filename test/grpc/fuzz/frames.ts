import type { Random } from '../../../src/base/random.ts';
import { clientPreface, Flag, FrameType } from '../../../src/grpc/http2/frames.ts';

/** Frames as they are made up before they are bytes, so that one part of them can be changed at a time. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
  /** What the header says, where that is not the payload's length. */
  readonly length?: number;
}

export function encodeFrames(frames: readonly Frame[]): Buffer {
  const parts: Uint8Array[] = [clientPreface];
  for (const { type, flags, streamId, payload, length = payload.length } of frames) {
    const head = Buffer.alloc(9);
    head.writeUIntBE(length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(streamId >>> 0, 5);
    parts.push(head, payload);
  }
  return Buffer.concat(parts);
}

export const randomBytes = (random: Random, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => random.below(256));

export function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function oneOf<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[random.below(values.length)] ?? values[0];
}

/** Small numbers often, and now and then those at which something changes. */
export function oddNumber(random: Random): number {
  const edges = [0, 1, 5, 16_383, 16_384, 16_385, 65_535, 2 ** 24 - 1, 2 ** 31 - 1, 2 ** 32 - 1];
  return random.below(3) === 0 ? (edges[random.below(edges.length)] ?? 0) : random.below(300);
}

const mutationsMax = 4;

/** Changes a few things in a list of frames. */
export function mutate(random: Random, frames: Frame[]): void {
  for (let i = random.below(mutationsMax + 1); i > 0 && frames.length > 0; i--) {
    const at = random.below(frames.length);
    const frame = frames[at] as Frame;
    switch (random.below(9)) {
      case 0:
        frames[at] = { ...frame, type: random.below(12) };
        break;
      case 1:
        frames[at] = { ...frame, flags: frame.flags ^ (1 << random.below(8)) };
        break;
      case 2:
        frames[at] = { ...frame, streamId: oddNumber(random) };
        break;
      case 3:
        frames[at] = { ...frame, length: oddNumber(random) % 2 ** 24 };
        break;
      case 4:
        frames[at] = { ...frame, payload: flipped(random, frame.payload) };
        break;
      case 5:
        frames.splice(at, 1);
        break;
      case 6:
        frames.splice(at, 0, frames[random.below(frames.length)] as Frame);
        break;
      case 7:
        frames[at] = { ...frame, payload: frame.payload.slice(0, random.below(10)) };
        break;
      default:
        frames.splice(at, 0, randomFrame(random));
    }
  }
}

function flipped(random: Random, payload: Uint8Array): Uint8Array {
  const changed = new Uint8Array(payload);
  const flips = Math.min(changed.length, 1 + random.below(8));
  for (let i = 0; i < flips; i++) changed[random.below(changed.length)] = random.below(256);
  return changed;
}

function randomFrame(random: Random): Frame {
  return {
    type: random.below(12),
    flags: random.below(256),
    streamId: random.below(20),
    payload: randomBytes(random, random.below(40)),
  };
}

/** Many frames of one kind, which are right one by one. */
export function flood(random: Random, streamId: number): readonly Frame[] {
  const count = 1 + random.below(random.below(10) === 0 ? 3000 : 100);
  const frame = oneOf<Frame>(random, [
    { type: FrameType.PING, flags: 0, streamId: 0, payload: new Uint8Array(8) },
    { type: FrameType.SETTINGS, flags: 0, streamId: 0, payload: new Uint8Array(0) },
    { type: FrameType.RST_STREAM, flags: 0, streamId, payload: uint32(8) },
    { type: FrameType.DATA, flags: 0, streamId, payload: new Uint8Array(0) },
    { type: FrameType.DATA, flags: 0, streamId, payload: new Uint8Array(5) },
    { type: FrameType.DATA, flags: Flag.PADDED, streamId, payload: new Uint8Array(1) },
    { type: FrameType.WINDOW_UPDATE, flags: 0, streamId: 0, payload: uint32(1) },
    { type: FrameType.PRIORITY, flags: 0, streamId, payload: new Uint8Array(5) },
    { type: FrameType.CONTINUATION, flags: 0, streamId, payload: new Uint8Array(0) },
    { type: 0x42, flags: 0xff, streamId, payload: randomBytes(random, 20) },
  ]);
  return Array.from({ length: count }, () => frame);
}
