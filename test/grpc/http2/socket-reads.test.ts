import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import { connectSocket, receiveFrom, takeOver } from '../../../src/grpc/http2/socket-reads.ts';

/** Sockets that read into one buffer: what they are given, and that the one they replace stays their shadow. */

interface Served {
  readonly server: net.Server;
  readonly port: number;
  /** What the server was given, and what it uses instead. */
  readonly pairs: { readonly given: net.Socket; readonly taken: Duplex }[];
  readonly received: Buffer[][];
}

async function serve(): Promise<Served> {
  const pairs: Served['pairs'] = [];
  const received: Buffer[][] = [];
  const server = net.createServer((given) => {
    given.on('error', () => undefined);
    // As a listener that has looked at the first bytes and put them back.
    given.once('readable', () => {
      const chunks: Buffer[] = [];
      const taken = takeOver(given);
      taken.on('error', () => undefined);
      receiveFrom(taken, (chunk) => chunks.push(Buffer.from(chunk)));
      pairs.push({ given, taken });
      received.push(chunks);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as net.AddressInfo).port, pairs, received };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

const pattern = (seed: number, bytes: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + seed * 7) % 251));

describe('sockets that read into one buffer', () => {
  it('are given all that comes, from the bytes that were put back on, each its own', async () => {
    const { server, port, pairs, received } = await serve();
    const clients = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const client = net.connect(port, '127.0.0.1');
        await once(client, 'connect');
        client.write(pattern(i, 300_000));
        await until(() => pairs.length > i);
        return client;
      }),
    );
    for (let round = 0; round < 5; round++) {
      clients.forEach((client, i) => client.write(pattern(i + round, 70_000)));
    }
    const size = (chunks: readonly Buffer[]): number => chunks.reduce((n, c) => n + c.length, 0);
    await until(() => received.every((chunks) => size(chunks) === 650_000));
    const came = received.map((chunks) => Buffer.concat(chunks).toString('latin1'));
    const sent = clients.map((_, i) => {
      const rounds = [0, 1, 2, 3, 4].map((round) => pattern(i + round, 70_000));
      return Buffer.concat([pattern(i, 300_000), ...rounds]).toString('latin1');
    });
    assert.deepEqual(new Set(came), new Set(sent));
    for (const client of clients) client.destroy();
    server.close();
    await once(server, 'close');
  });

  it('write, tell the other end, and end with it', async () => {
    const { server, port, pairs } = await serve();
    const client = net.connect(port, '127.0.0.1');
    client.write('hello');
    await until(() => pairs.length === 1);
    const taken = pairs[0]?.taken as net.Socket;
    assert.notEqual(taken, pairs[0]?.given);
    assert.equal(taken.remotePort, client.localPort);
    taken.end('goodbye');
    const [answer] = (await once(client, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'goodbye');
    client.end();
    await until(() => pairs[0]?.given.closed === true && taken.closed);
    server.close();
    await once(server, 'close');
  });

  for (const whose of ['given', 'taken'] as const) {
    it(`are closed, and counted by the server no more, when the one that was ${whose} is destroyed`, async () => {
      const { server, port, pairs } = await serve();
      const client = net.connect(port, '127.0.0.1');
      client.on('error', () => undefined);
      client.write('hello');
      await until(() => pairs.length === 1);
      pairs[0]?.[whose].destroy();
      await once(client, 'close');
      await until(() => pairs[0]?.given.closed === true && pairs[0].taken.closed);
      server.close();
      await once(server, 'close');
    });
  }

  it('rest while they are paused', async () => {
    const { server, port, pairs, received } = await serve();
    const client = net.connect(port, '127.0.0.1');
    client.write('first');
    await until(() => pairs.length === 1);
    pairs[0]?.taken.pause();
    const before = received[0]?.length;
    client.write('second');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(received[0]?.length, before);
    pairs[0]?.taken.resume();
    await until(() => Buffer.concat(received[0] ?? []).toString() === 'firstsecond');
    client.destroy();
    server.close();
    await once(server, 'close');
  });

  it('keep for whoever listens what came before that', async () => {
    const server = net.createServer((socket) => socket.end('early'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const client = connectSocket({ host: '127.0.0.1', port }, () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const chunks: string[] = [];
    receiveFrom(client, (chunk) => chunks.push(chunk.toString()));
    assert.deepEqual(chunks, []);
    await until(() => chunks.join('') === 'early');
    client.destroy();
    server.close();
    await once(server, 'close');
  });
});
