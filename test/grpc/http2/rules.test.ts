import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { clientPreface, FrameType } from '../../../src/grpc/http2/frames.ts';
import { Setting } from '../../../src/grpc/http2/settings.ts';
import { ErrorCode } from '../../../src/grpc/http2/types.ts';
import { requestFields, startServer, silent, type TestServer } from './connections.ts';
import {
  ack,
  block,
  connectRaw,
  data,
  emptySettings,
  endHeaders,
  endStream,
  frame,
  headers,
  padded,
  priority,
  RawPeer,
  request,
  setting,
  settingsAck,
  u32,
} from './raw-peer.ts';

/** What RFC 9113 forbids a client, and with which code a server answers. */

interface Breach {
  readonly rule: string;
  readonly sends: readonly Uint8Array[];
  readonly code: keyof typeof ErrorCode;
}

const whole = endHeaders | endStream;
/** Stream 1 has its request and waits for its body. */
const open = headers(1, endHeaders);
/** Stream 1 is answered and closed. */
const closed = headers(1, whole);

const connectionErrors: readonly Breach[] = [
  {
    rule: '4.2: a frame larger than 16,384 bytes',
    sends: [open, data(1, 0, 16_385)],
    code: 'FRAME_SIZE_ERROR',
  },
  {
    rule: '4.3: a header block that HPACK does not allow',
    sends: [headers(1, whole, new Uint8Array([0x80]))],
    code: 'COMPRESSION_ERROR',
  },
  { rule: '5.1: DATA on an idle stream', sends: [data(1, 0, 1)], code: 'PROTOCOL_ERROR' },
  {
    rule: '5.1: RST_STREAM on an idle stream',
    sends: [frame(FrameType.RST_STREAM, 0, 1, u32(8))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '5.1: WINDOW_UPDATE on an idle stream',
    sends: [frame(FrameType.WINDOW_UPDATE, 0, 1, u32(1))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '5.1: WINDOW_UPDATE on a stream of an even id below the last',
    sends: [headers(5, whole), frame(FrameType.WINDOW_UPDATE, 0, 2, u32(1))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '5.1: DATA on a stream that both have ended',
    sends: [closed, data(1, 0, 1)],
    code: 'STREAM_CLOSED',
  },
  {
    rule: '5.1: HEADERS on a stream that both have ended',
    sends: [closed, headers(1, whole)],
    code: 'STREAM_CLOSED',
  },
  { rule: '5.1.1: a stream of an even id', sends: [headers(2, whole)], code: 'PROTOCOL_ERROR' },
  {
    rule: '5.1.1: a stream below the last that was passed over',
    sends: [headers(5, whole), headers(3, whole)],
    code: 'PROTOCOL_ERROR',
  },
  { rule: '6.1: DATA without a stream', sends: [data(0, 0, 1)], code: 'PROTOCOL_ERROR' },
  {
    rule: '6.1: padding as long as the payload',
    sends: [open, frame(FrameType.DATA, padded, 1, [2, 0])],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.1: a padded frame without a length',
    sends: [open, frame(FrameType.DATA, padded, 1)],
    code: 'FRAME_SIZE_ERROR',
  },
  { rule: '6.2: HEADERS without a stream', sends: [headers(0, whole)], code: 'PROTOCOL_ERROR' },
  {
    rule: '6.2: HEADERS with more padding than payload',
    sends: [headers(1, whole | padded, new Uint8Array([9, 0]))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.2: HEADERS too short for their priority',
    sends: [headers(1, whole | priority, new Uint8Array(4))],
    code: 'FRAME_SIZE_ERROR',
  },
  {
    rule: '6.2: another frame within a header block',
    sends: [headers(1, endStream), frame(FrameType.PING, 0, 0, new Uint8Array(8))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.3: PRIORITY without a stream',
    sends: [frame(FrameType.PRIORITY, 0, 0, new Uint8Array(5))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.3: PRIORITY of a wrong size',
    sends: [frame(FrameType.PRIORITY, 0, 1, new Uint8Array(4))],
    code: 'FRAME_SIZE_ERROR',
  },
  {
    rule: '6.4: RST_STREAM without a stream',
    sends: [frame(FrameType.RST_STREAM, 0, 0, u32(8))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.4: RST_STREAM of a wrong size',
    sends: [open, frame(FrameType.RST_STREAM, 0, 1, [0, 0, 8])],
    code: 'FRAME_SIZE_ERROR',
  },
  {
    rule: '6.5: SETTINGS on a stream',
    sends: [frame(FrameType.SETTINGS, 0, 1)],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.5: SETTINGS that are no multiple of 6',
    sends: [frame(FrameType.SETTINGS, 0, 0, [0, 1, 0])],
    code: 'FRAME_SIZE_ERROR',
  },
  {
    rule: '6.5: an acknowledgement with a payload',
    sends: [frame(FrameType.SETTINGS, ack, 0, setting(1, 0))],
    code: 'FRAME_SIZE_ERROR',
  },
  {
    rule: '6.5.2: ENABLE_PUSH of 2',
    sends: [frame(FrameType.SETTINGS, 0, 0, setting(Setting.ENABLE_PUSH, 2))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.5.2: INITIAL_WINDOW_SIZE of 2^31',
    sends: [frame(FrameType.SETTINGS, 0, 0, setting(Setting.INITIAL_WINDOW_SIZE, 0x8000_0000))],
    code: 'FLOW_CONTROL_ERROR',
  },
  {
    rule: '6.5.2: MAX_FRAME_SIZE of 16,383',
    sends: [frame(FrameType.SETTINGS, 0, 0, setting(Setting.MAX_FRAME_SIZE, 16_383))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.5.2: MAX_FRAME_SIZE of 2^24',
    sends: [frame(FrameType.SETTINGS, 0, 0, setting(Setting.MAX_FRAME_SIZE, 0x100_0000))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.6: PUSH_PROMISE of a client',
    sends: [open, frame(FrameType.PUSH_PROMISE, endHeaders, 1, [...u32(2), ...request])],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.7: PING on a stream',
    sends: [frame(FrameType.PING, 0, 1, new Uint8Array(8))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.7: PING of a wrong size',
    sends: [frame(FrameType.PING, 0, 0, new Uint8Array(7))],
    code: 'FRAME_SIZE_ERROR',
  },
  {
    rule: '6.8: GOAWAY on a stream',
    sends: [frame(FrameType.GOAWAY, 0, 1, new Uint8Array(8))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.8: GOAWAY of a wrong size',
    sends: [frame(FrameType.GOAWAY, 0, 0, new Uint8Array(7))],
    code: 'FRAME_SIZE_ERROR',
  },
  {
    rule: '6.9: WINDOW_UPDATE of nothing',
    sends: [frame(FrameType.WINDOW_UPDATE, 0, 0, u32(0))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.9: WINDOW_UPDATE of a wrong size',
    sends: [frame(FrameType.WINDOW_UPDATE, 0, 0, [1])],
    code: 'FRAME_SIZE_ERROR',
  },
  {
    rule: '6.9.1: a connection window beyond 2^31-1',
    sends: [frame(FrameType.WINDOW_UPDATE, 0, 0, u32(0x7fff_ffff))],
    code: 'FLOW_CONTROL_ERROR',
  },
  {
    rule: '6.9.2: a stream window beyond 2^31-1 by SETTINGS',
    sends: [
      open,
      frame(FrameType.WINDOW_UPDATE, 0, 1, u32(0x7fff_0000)),
      frame(FrameType.SETTINGS, 0, 0, setting(Setting.INITIAL_WINDOW_SIZE, 0x7fff_ffff)),
    ],
    code: 'FLOW_CONTROL_ERROR',
  },
  {
    rule: '6.10: CONTINUATION without HEADERS',
    sends: [frame(FrameType.CONTINUATION, endHeaders, 1, request)],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.10: CONTINUATION of another stream',
    sends: [headers(1, endStream), frame(FrameType.CONTINUATION, endHeaders, 3, request)],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.10: CONTINUATION after END_HEADERS',
    sends: [open, frame(FrameType.CONTINUATION, endHeaders, 1, request)],
    code: 'PROTOCOL_ERROR',
  },
];

/** The request, with something before or after its regular fields, or without one of its fields. */
function changed(change: { before?: string[]; after?: string[]; without?: string }): Uint8Array {
  const fields: string[] = [];
  for (let i = 0; i < requestFields.length; i += 2) {
    const name = requestFields[i] ?? '';
    if (name !== change.without) fields.push(name, requestFields[i + 1] ?? '');
  }
  return block([...(change.before ?? []), ...fields, ...(change.after ?? [])]);
}

function sent(change: Parameters<typeof changed>[0], flags = whole): readonly Uint8Array[] {
  return [headers(1, flags, changed(change))];
}

const streamErrors: readonly Breach[] = [
  {
    rule: '5.1: DATA after END_STREAM',
    sends: [headers(1, whole, block([...requestFields, 'wait', '1'])), data(1, 0, 1)],
    code: 'STREAM_CLOSED',
  },
  {
    rule: '5.1: HEADERS after END_STREAM',
    sends: [headers(1, whole, block([...requestFields, 'wait', '1'])), headers(1, whole)],
    code: 'STREAM_CLOSED',
  },
  {
    rule: '5.1: DATA after RST_STREAM',
    sends: [open, frame(FrameType.RST_STREAM, 0, 1, u32(8)), data(1, 0, 1)],
    code: 'STREAM_CLOSED',
  },
  {
    rule: '5.3.1 of RFC 7540: a stream that depends on itself',
    sends: [headers(1, whole | priority, new Uint8Array([...u32(1), 0, ...request]))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.9: WINDOW_UPDATE of nothing',
    sends: [open, frame(FrameType.WINDOW_UPDATE, 0, 1, u32(0))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '6.9.1: a window beyond 2^31-1',
    sends: [open, frame(FrameType.WINDOW_UPDATE, 0, 1, u32(0x7fff_ffff))],
    code: 'FLOW_CONTROL_ERROR',
  },
  {
    rule: '8.1: trailers that do not end the stream',
    sends: [open, headers(1, endHeaders, block(['a', 'b']))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.1: pseudo-fields in trailers',
    sends: [open, headers(1, whole, block([':path', '/']))],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.1.1: more DATA than content-length',
    sends: [...sent({ after: ['content-length', '1'] }, endHeaders), data(1, 0, 2)],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.1.1: less DATA than content-length',
    sends: [...sent({ after: ['content-length', '3'] }, endHeaders), data(1, endStream, 2)],
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.1.1: content-length without DATA',
    sends: sent({ after: ['content-length', '3'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.1.1: content-length that is no number',
    sends: sent({ after: ['content-length', '1,2'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.1.1: two different content-lengths',
    sends: sent({ after: ['content-length', '1', 'content-length', '2'] }, endHeaders),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.2: a name in upper case',
    sends: sent({ after: ['X-a', 'b'] }),
    code: 'PROTOCOL_ERROR',
  },
  { rule: '8.2.1: an empty name', sends: sent({ after: ['', 'b'] }), code: 'PROTOCOL_ERROR' },
  {
    rule: '8.2.1: a blank in a name',
    sends: sent({ after: ['x a', 'b'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.2.1: a byte beyond ASCII in a name',
    sends: sent({ after: ['xé', 'b'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '5.6.2 of RFC 9110: a name that is no token',
    sends: sent({ after: ['x(a', 'b'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '5.5 of RFC 9110: a control character in a value',
    sends: sent({ after: ['x', 'a\x01b'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '5.5 of RFC 9110: DEL in a value',
    sends: sent({ after: ['x', 'a\x7f'] }),
    code: 'PROTOCOL_ERROR',
  },
  { rule: '8.2.1: NUL in a value', sends: sent({ after: ['x', 'a\0b'] }), code: 'PROTOCOL_ERROR' },
  { rule: '8.2.1: LF in a value', sends: sent({ after: ['x', 'a\nb'] }), code: 'PROTOCOL_ERROR' },
  {
    rule: '8.2.1: a blank before a value',
    sends: sent({ after: ['x', ' a'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.2.1: a tab after a value',
    sends: sent({ after: ['x', 'a\t'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.2.2: a field of connections',
    sends: sent({ after: ['connection', 'close'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.2.2: transfer-encoding',
    sends: sent({ after: ['transfer-encoding', 'chunked'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.2.2: te other than trailers',
    sends: sent({ without: 'te', after: ['te', 'gzip'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.3: a pseudo-field after a regular one',
    sends: sent({ without: ':path', after: [':path', '/'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.3: an unknown pseudo-field',
    sends: sent({ before: [':nonsense', 'a'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.3: a pseudo-field of responses',
    sends: sent({ before: [':status', '200'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.3: a pseudo-field twice',
    sends: sent({ before: [':path', '/a'] }),
    code: 'PROTOCOL_ERROR',
  },
  { rule: '8.3.1: no :method', sends: sent({ without: ':method' }), code: 'PROTOCOL_ERROR' },
  { rule: '8.3.1: no :scheme', sends: sent({ without: ':scheme' }), code: 'PROTOCOL_ERROR' },
  { rule: '8.3.1: no :path', sends: sent({ without: ':path' }), code: 'PROTOCOL_ERROR' },
  {
    rule: '8.3.1: an empty :path',
    sends: sent({ without: ':path', before: [':path', ''] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '8.3.1: a :path that is not absolute',
    sends: sent({ without: ':path', before: [':path', 'a'] }),
    code: 'PROTOCOL_ERROR',
  },
  {
    rule: '10.5.1: a header list larger than we said',
    sends: sent({ after: ['x', 'y'.repeat(300)] }),
    code: 'ENHANCE_YOUR_CALM',
  },
];

/** Nothing is forbidden about these, although it may look so. */
const allowed: readonly { readonly rule: string; readonly sends: readonly Uint8Array[] }[] = [
  { rule: '4.1: frames of unknown types', sends: [frame(0xfe, 0xff, 0, [1, 2, 3])] },
  {
    rule: '4.1: flags that are not known, and the reserved bit',
    sends: [frame(FrameType.PING, 0x80, 0x8000_0000, new Uint8Array(8))],
  },
  {
    rule: '5.1: WINDOW_UPDATE and RST_STREAM after the end',
    sends: [
      closed,
      frame(FrameType.WINDOW_UPDATE, 0, 1, u32(9)),
      frame(FrameType.RST_STREAM, 0, 1, u32(0)),
    ],
  },
  {
    rule: '5.1: PRIORITY on an idle stream',
    sends: [frame(FrameType.PRIORITY, 0, 9, new Uint8Array(5))],
  },
  {
    rule: '6.1: DATA that is only padding',
    sends: [open, frame(FrameType.DATA, padded | endStream, 1, [3, 0, 0, 0])],
  },
  {
    rule: '6.2: padding and priority at once',
    sends: [
      headers(1, whole | padded | priority, new Uint8Array([2, ...u32(0), 16, ...request, 0, 0])),
    ],
  },
  {
    rule: '6.4: an unknown error code',
    sends: [open, frame(FrameType.RST_STREAM, 0, 1, u32(0xff))],
  },
  { rule: '6.5.2: an unknown setting', sends: [frame(FrameType.SETTINGS, 0, 0, setting(0x99, 1))] },
  {
    rule: '6.10: a block in several pieces, one of them empty',
    sends: [
      headers(1, endStream, request.subarray(0, 5)),
      frame(FrameType.CONTINUATION, 0, 1),
      frame(FrameType.CONTINUATION, endHeaders, 1, request.subarray(5)),
    ],
  },
  {
    rule: '8.1.1: DATA of just content-length',
    sends: [
      ...sent({ after: ['content-length', '3'] }, endHeaders),
      data(1, 0, 1),
      data(1, endStream, 2),
    ],
  },
  {
    rule: '8.2.1: all that a name may be made of, and tabs, blanks and obs-text within a value',
    sends: sent({ after: ["a-z!#$%&'*+.^_`|~09", 'a\tb "\\ cé'] }),
  },
  { rule: '8.3.1: a request without :authority', sends: sent({ without: ':authority' }) },
];

describe('what a server answers to a client that breaks the rules', () => {
  let server: TestServer;
  let peer: RawPeer;

  before(async () => {
    server = await startServer({
      limits: { headerListBytesMax: 600 },
      onRequest: (stream, fields, isEnd) => {
        const end = (): void => stream.sendHeaders([':status', '200'], true);
        stream.listener = { ...silent, onData: (_, isLast) => isLast && end() };
        if (isEnd && !fields.includes('wait')) end();
      },
    });
  });
  after(() => server.close());
  beforeEach(async () => (peer = await connectRaw(server.port)));
  afterEach(() => peer.socket.destroy());

  describe('the connection ends', () => {
    for (const { rule, sends, code } of connectionErrors) {
      it(`${rule}: ${code}`, async () => {
        peer.send(...sends);
        assert.equal((await peer.goAway()).code, ErrorCode[code]);
        await peer.ended();
      });
    }
  });

  describe('the stream ends, and the connection goes on', () => {
    for (const { rule, sends, code } of streamErrors) {
      it(`${rule}: ${code}`, async () => {
        peer.send(...sends);
        assert.equal(await peer.reset(1), ErrorCode[code]);
        peer.send(headers(3, whole));
        await peer.until((one) => one.type === FrameType.HEADERS && one.streamId === 3);
      });
    }
  });

  describe('nothing happens', () => {
    for (const { rule, sends } of allowed) {
      it(rule, async () => {
        peer.send(...sends);
        await peer.settled();
        const errors = peer.frames.filter(
          ({ type }) => type === FrameType.GOAWAY || type === FrameType.RST_STREAM,
        );
        assert.deepEqual(errors, []);
      });
    }
  });

  it('3.4: what is no preface ends the connection', async () => {
    const other = new RawPeer(connect(server.port, '127.0.0.1'), false);
    other.send(new TextEncoder().encode('GET / HTTP/1.1\r\nhost: a\r\n\r\n'));
    assert.equal((await other.goAway()).code, ErrorCode.PROTOCOL_ERROR);
    await other.ended();
  });

  for (const first of [open, data(1, 0, 20_000)]) {
    it(`3.4: SETTINGS are the first frame, not one of ${first.length} bytes`, async () => {
      const other = new RawPeer(connect(server.port, '127.0.0.1'), false);
      other.send(clientPreface, first);
      assert.equal((await other.goAway()).code, ErrorCode.PROTOCOL_ERROR);
      await other.ended();
    });
  }

  it('takes the preface and frames byte by byte', async () => {
    const other = new RawPeer(connect({ port: server.port, noDelay: true }), false);
    for (const part of [clientPreface, emptySettings, settingsAck, headers(1, whole)]) {
      for (const byte of part) {
        other.send(new Uint8Array([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await other.until((one) => one.type === FrameType.HEADERS && one.streamId === 1);
    other.socket.destroy();
  });
});
