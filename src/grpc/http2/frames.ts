import { latin1Bytes } from '../../base/bytes.ts';

/** The words of the frame layer (RFC 9113, sections 4 and 6). */

export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const Flag = {
  END_STREAM: 0x1,
  ACK: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;

export const frameHeaderBytes = 9;

/**
 * The largest payload, in both directions: what every peer must take (SETTINGS_MAX_FRAME_SIZE's least value), and all
 * that we announce. Larger frames would only let one stream hold up the others.
 */
export const frameBytesMax = 16_384;

export const windowBytesMax = 0x7fff_ffff;
export const streamIdMax = 0x7fff_ffff;

/** Every window's size until SETTINGS or WINDOW_UPDATE say otherwise (section 6.9.2). */
export const initialWindowBytes = 65_535;

/** What a client sends before its first frame (section 3.4). */
export const clientPreface = latin1Bytes('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** The nine bytes before each payload. One object a connection, overwritten by each frame. */
export interface FrameHead {
  length: number;
  type: number;
  flags: number;
  streamId: number;
}
