import { readUint32, type Bytes } from '../../base/bytes.ts';
import type { HeaderEncoder } from '../hpack/types.ts';
import { frameBytesMax, FrameType, windowBytesMax } from './frames.ts';
import type { Output } from './output.ts';
import { ErrorCode, type Http2Limits } from './types.ts';

/** SETTINGS (RFC 9113, section 6.5). */

export const Setting = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/** Of our header table, which the other end's encoder fills: the protocol's own size, so it need not be sent. */
export const headerTableBytes = 4096;

const frameBytesLimit = 0xff_ffff;
const noLimit = 0xffff_ffff;

export function sendSettings(output: Output, limits: Http2Limits, isServer: boolean): void {
  const pairs: number[] = [];
  if (isServer) pairs.push(Setting.MAX_CONCURRENT_STREAMS, limits.concurrentStreamsMax);
  else pairs.push(Setting.ENABLE_PUSH, 0);
  pairs.push(Setting.INITIAL_WINDOW_SIZE, limits.streamWindowBytes);
  pairs.push(Setting.MAX_HEADER_LIST_SIZE, limits.headerListBytesMax);
  output.frame(pairs.length * 3, FrameType.SETTINGS, 0, 0);
  for (let i = 0; i < pairs.length; i += 2) {
    // The identifier has 16 bits, the value 32.
    output.uint16(pairs[i] as number);
    output.uint32(Math.min(pairs[i + 1] as number, noLimit));
  }
}

/** The other end's settings, as far as they concern us. Ours are the limits. */
export interface PeerSettings {
  concurrentStreamsMax: number;
  initialWindowBytes: number;
}

/** Whom settings concern: the values are put here, in the order in which they come. */
export interface SettingsTakers {
  readonly peer: PeerSettings;
  readonly encoder: HeaderEncoder;
}

/** What is wrong with a SETTINGS payload; undefined when it was taken over. */
export function takeSettings(
  { peer, encoder }: SettingsTakers,
  payload: Bytes,
  isFromServer: boolean,
): ErrorCode | undefined {
  for (let at = 0; at < payload.length; at += 6) {
    const id = ((payload[at] as number) << 8) | (payload[at + 1] as number);
    const value = readUint32(payload, at + 2);
    switch (id) {
      case Setting.HEADER_TABLE_SIZE:
        encoder.setTableBytesMax(value);
        break;
      case Setting.ENABLE_PUSH:
        // A server must not ask for pushes (section 6.5.2).
        if (value > 1 || (isFromServer && value === 1)) return ErrorCode.PROTOCOL_ERROR;
        break;
      case Setting.MAX_CONCURRENT_STREAMS:
        peer.concurrentStreamsMax = value;
        break;
      case Setting.INITIAL_WINDOW_SIZE:
        if (value > windowBytesMax) return ErrorCode.FLOW_CONTROL_ERROR;
        peer.initialWindowBytes = value;
        break;
      case Setting.MAX_FRAME_SIZE:
        // Never less than what we send at most.
        if (value < frameBytesMax || value > frameBytesLimit) return ErrorCode.PROTOCOL_ERROR;
        break;
      default:
      // MAX_HEADER_LIST_SIZE is advice, and what is not known is ignored.
    }
  }
  return undefined;
}
