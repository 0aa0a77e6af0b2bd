import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { seededRandom } from '../../src/base/random.ts';
import type { PendingBytes } from '../../src/grpc/message-reader.ts';
import type { Handler } from '../../src/grpc/types.ts';
import { Fixture, until } from './fixture.ts';
import { answerOf, frame, openRaw, type RawRequest } from './raw-call.ts';

/** Calls of every kind and end; `GRPC_LEAK_CALLS=100000` for a long run. */
const calls = Number(process.env['GRPC_LEAK_CALLS'] ?? 6000);
const atOnce = 50;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function settledBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await sleep(30);
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

const packed = { 'grpc-encoding': 'gzip' };
const soon = { 'grpc-timeout': '20m' };
const far = { 'grpc-timeout': '1H' };
const big = frame(new Uint8Array(100_000));
const requests: readonly RawRequest[] = [
  { body: frame('x') },
  { body: frame('x'), headers: far },
  { body: big },
  { body: big.subarray(0, 50_000), isOpen: true, headers: soon },
  { body: frame('x'), isOpen: true },
  { body: frame(gzipSync('x'), 1), headers: packed },
  { body: frame('garbage', 1), headers: packed },
  { path: '/t.S/Slow', body: frame('x'), headers: soon },
  { path: '/t.S/Slow', body: frame('x'), headers: far },
  { path: '/t.S/Both', body: Buffer.concat([frame('a'), frame('b')]) },
  { path: '/t.S/Both', body: frame('a'), headers: soon, isOpen: true },
  { path: '/t.S/Both', body: frame('a', 9), isOpen: true },
  { path: '/t.S/Paused', body: big, headers: soon, isOpen: true },
  { path: '/t.S/Made', body: frame('x') },
  { path: '/t.S/None', body: frame('x') },
  { headers: { 'content-type': 'text/plain' }, body: frame('x') },
];

function giveUp(stream: http2.ClientHttp2Stream): void {
  stream.close(http2.constants.NGHTTP2_CANCEL);
  // Node's client may otherwise wait for ever to write to a stream that is no more.
  setTimeout(() => stream.destroy(), 10);
}

describe('grpc: calls of the fast server', () => {
  let sources = 0;
  let open = 0;
  const handlers: Readonly<Record<string, Handler>> = {
    '/t.S/Echo': { kind: 'unary', handle: (call, request) => call.respond(request) },
    '/t.S/Slow': {
      kind: 'unary',
      handle: (call) => {
        open++;
        call.onCancelled(() => open--);
      },
    },
    '/t.S/Both': {
      kind: 'bidi',
      open: (call) => ({
        onMessage: (message) => void call.send(message),
        onHalfClose: () => call.end({ code: 0, text: '' }),
      }),
    },
    '/t.S/Paused': {
      kind: 'bidi',
      open: (call) => {
        call.pause();
        return { onMessage: () => undefined, onHalfClose: () => undefined };
      },
    },
    '/t.S/Made': {
      kind: 'unary',
      handle: (call) => {
        sources++;
        let left = 30;
        const next = (): Uint8Array | undefined =>
          left-- > 0 ? new Uint8Array(10_000) : undefined;
        call.respondFrom({ totalBytes: 300_000, next, close: () => sources-- });
      },
    },
  };

  it('leave nothing behind, however they end', async () => {
    const fixture = await Fixture.start(handlers);
    const random = seededRandom(11);
    const round = async (count: number): Promise<void> => {
      const session = http2.connect(`http://${fixture.address}`);
      session.on('error', () => undefined);
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          for (let i = 0; i < count / atOnce; i++) {
            const request = requests[random.below(requests.length)] as RawRequest;
            const stream = openRaw(session, request);
            const isStuck = request.path === '/t.S/Slow' && request.headers === far;
            if (isStuck || random.below(8) === 0) {
              setTimeout(() => giveUp(stream), random.below(10));
            }
            await answerOf(stream);
          }
        }),
      );
      // What is still open goes with its connection.
      for (const request of requests) openRaw(session, { ...request, isOpen: true });
      await sleep(5);
      session.destroy();
    };
    const share = Math.min(1000, calls / 2);
    await round(share);
    await round(share);
    await until('all are told', () => open === 0 && sources === 0);
    const before = await settledBytes();
    const handles = process.getActiveResourcesInfo().length;
    for (let done = 0; done < calls; done += share) await round(share);
    await until('all are told', () => open === 0 && sources === 0);
    await until('the connections are gone', () => fixture.listener.connectionCount === 0);
    // What is counted over all connections would refuse honest messages one day.
    const { pending } = fixture.grpc as unknown as { pending: PendingBytes };
    assert.equal(pending.size, 0);
    const grown = (await settledBytes()) - before;
    assert.ok(grown < 4_000_000, `${grown} bytes more than before`);
    assert.ok(process.getActiveResourcesInfo().length <= handles + 2);
    await fixture.stop();
  }).timeout(600_000);
});
