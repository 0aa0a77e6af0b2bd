import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import * as fc from 'fast-check';
import type { Bytes } from '../../../src/base/bytes.ts';
import { createHeaderDecoder } from '../../../src/grpc/hpack/decoder.ts';
import { createHeaderEncoder } from '../../../src/grpc/hpack/encoder.ts';
import type { HeaderList } from '../../../src/grpc/hpack/types.ts';
import {
  clientPreface,
  FrameReader,
  frameTypes,
  isAck,
  requestFrame,
  settingsAckFrame,
  settingsFrame,
} from './frames.ts';

/** The other implementation: nghttp2, as node:http2 has it, at both ends of real connections. */

const characters = (low: number, high: number): readonly string[] =>
  Array.from({ length: high - low + 1 }, (_, i) => String.fromCharCode(low + i));

/** What HTTP/2 allows in names and values (RFC 9113, section 8.2.1); values here without white space. */
const names = fc.oneof(
  fc.constantFrom('grpc-timeout', 'token', 'user-agent', 'te-x', 'a', 'b', 'c'),
  fc
    .string({
      unit: fc.constantFrom(...characters(0x61, 0x7a), '-', '_', '.'),
      minLength: 1,
      maxLength: 20,
    })
    .map((name) => `x-${name}`),
);
const values = fc.oneof(
  fc.constantFrom('0', 'application/grpc', '4999m', 'identity,gzip'),
  fc.string({ unit: fc.constantFrom(...characters(0x21, 0x7e)), maxLength: 100 }),
  fc.integer({ min: 1, max: 3_000 }).map((length) => 'v'.repeat(length)),
);
const requestStart = [':method', 'POST', ':scheme', 'http', ':authority', 'localhost', ':path'];
const requests = fc
  .tuple(
    fc.constantFrom('/etcdserverpb.KV/Put', '/etcdserverpb.KV/Range', '/'),
    fc.uniqueArray(fc.tuple(names, values), { maxLength: 8, selector: ([name]) => name }),
  )
  .map(([path, fields]): HeaderList => [...requestStart, path, ...fields.flat()]);
const connections = fc.array(requests, { minLength: 1, maxLength: 20 });
const tableSizes = fc.constantFrom(undefined, 0, 40, 200, 1_000, 4_096, 65_536);

const addressOf = (server: net.Server): net.AddressInfo => server.address() as net.AddressInfo;

/** The header blocks that node:http2 sends for these requests to a server that allows such a table. */
async function blocksOfNode(
  lists: readonly HeaderList[],
  tableBytes: number | undefined,
): Promise<readonly Bytes[]> {
  const blocks: Bytes[] = [];
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    const reader = new FrameReader(
      clientPreface.length,
      (frame) => {
        if (frame.type === frameTypes.settings && !isAck(frame)) socket.write(settingsAckFrame);
      },
      (block) => {
        if (blocks.push(block) === lists.length) server.emit('all');
      },
    );
    socket.on('data', (chunk) => reader.read(chunk));
    socket.write(settingsFrame(tableBytes));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = http2.connect(`http://127.0.0.1:${addressOf(server).port}`);
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  const all = once(server, 'all');
  for (const list of lists) {
    const headers: http2.OutgoingHttpHeaders = {};
    for (let i = 0; i < list.length; i += 2) headers[list[i] as string] = list[i + 1];
    session.request({ ...headers, [http2.sensitiveHeaders]: ['token'] }).on('error', () => {});
  }
  await all;
  session.destroy();
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
  return blocks;
}

/** What a server of node:http2 that announces such a table reads from these blocks. */
async function readByNode(
  send: (nextBlock: number) => Bytes,
  count: number,
  tableBytes: number | undefined,
): Promise<readonly HeaderList[]> {
  const read: HeaderList[] = [];
  const server = http2.createServer(
    tableBytes === undefined ? {} : { settings: { headerTableSize: tableBytes } },
  );
  const sessions: http2.ServerHttp2Session[] = [];
  const failures: unknown[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', (error) => failures.push(error));
  });
  // The fourth argument is the list as it came, in order.
  server.on('stream', (stream: http2.ServerHttp2Stream, ...rest: readonly unknown[]) => {
    stream.on('error', () => {});
    read.push(rest[2] as HeaderList);
    stream.respond({ ':status': 200 }, { endStream: true });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect(addressOf(server as unknown as net.Server).port, '127.0.0.1');
  let answers = 0;
  const done = new Promise<void>((resolve) => {
    const reader = new FrameReader(
      0,
      (frame) => {
        // Its size of the table counts from here on, and the first block must say so if it is less.
        if (frame.type !== frameTypes.settings || isAck(frame)) return;
        socket.write(settingsAckFrame);
        for (let i = 0; i < count; i++) socket.write(requestFrame(2 * i + 1, send(i)));
      },
      () => {
        if (++answers === count) resolve();
      },
    );
    socket.on('data', (chunk) => reader.read(chunk)).on('error', (error) => failures.push(error));
    socket.on('close', () => resolve());
  });
  socket.write(clientPreface);
  socket.write(settingsFrame(undefined));
  await done;
  socket.destroy();
  for (const session of sessions) session.destroy();
  server.close();
  await once(server, 'close');
  assert.deepEqual(failures, []);
  return read;
}

describe('hpack: with nghttp2 at the other end', () => {
  it('reads what it writes, over the requests of a connection', async () => {
    await fc.assert(
      fc.asyncProperty(connections, tableSizes, async (lists, tableBytes) => {
        const decoder = createHeaderDecoder({
          tableBytesMax: tableBytes ?? 4_096,
          listBytesMax: 1_000_000,
        });
        const blocks = await blocksOfNode(lists, tableBytes);
        assert.deepEqual(
          blocks.map((block) => decoder.decode(block)),
          lists.map((fields) => ({ fields, isTooLarge: false })),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('writes what it reads, over the requests of a connection', async () => {
    await fc.assert(
      fc.asyncProperty(connections, tableSizes, async (lists, tableBytes) => {
        const encoder = createHeaderEncoder();
        if (tableBytes !== undefined) encoder.setTableBytesMax(tableBytes);
        const send = (i: number): Bytes => encoder.encode(lists[i] as HeaderList);
        assert.deepEqual(await readByNode(send, lists.length, tableBytes), lists);
      }),
      { numRuns: 40 },
    );
  });
});
