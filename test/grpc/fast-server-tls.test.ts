import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import * as http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { createFastServer } from '../../src/grpc/fast-server.ts';
import type { UnaryCall } from '../../src/grpc/types.ts';
import { testLimits } from './fixture.ts';
import { hasOpenssl, makeIdentity, type Identity } from './identity.ts';
import { frame, rawCall } from './raw-call.ts';

describe('grpc: the fast server over TLS', () => {
  let folder: string;
  let server: Identity;
  let client: Identity;
  before(function () {
    if (!hasOpenssl()) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'quorate-'));
    server = makeIdentity(folder, 'server');
    client = makeIdentity(folder, 'alice');
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  for (const identified of [true, false]) {
    const who = identified ? 'a caller with a certificate by its name' : 'a caller without one';
    it(`serves ${who}`, async () => {
      const names: (string | undefined)[] = [];
      const handle = (call: UnaryCall, request: Uint8Array): void => {
        names.push(call.peer.commonName);
        assert.match(call.peer.address, /^127\.0\.0\.1:\d+$/);
        call.respond(request);
      };
      const handlers = new Map([['/t.S/Echo', { kind: 'unary', handle } as const]]);
      const grpc = createFastServer({ handlers, limits: testLimits });
      const clientCas = { ca: client.cert, requestCert: true, rejectUnauthorized: identified };
      const listening = tls.createServer(
        { ...server, ...(identified ? clientCas : {}), ALPNProtocols: ['h2'] },
        (socket) => grpc.serve(socket),
      );
      await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
      const { port } = listening.address() as AddressInfo;
      const session = http2.connect(`https://127.0.0.1:${port}`, {
        ca: server.cert,
        ...(identified ? client : {}),
      });
      for (const size of [1, 300_000, 5]) {
        const body = frame(new Uint8Array(size).fill(size));
        assert.deepEqual((await rawCall(session, { body })).body, body);
      }
      assert.deepEqual(new Set(names), new Set([identified ? 'alice' : undefined]));
      session.destroy();
      await new Promise<void>((resolve) => grpc.close(0, resolve));
      await new Promise<void>((resolve) => listening.close(() => resolve()));
    });
  }
});
