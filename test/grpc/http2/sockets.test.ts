import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { openHttp2Connection } from '../../../src/grpc/http2/connection.ts';
import type { Http2Connection } from '../../../src/grpc/http2/types.ts';
import { sniffProtocol } from '../../../src/grpc/sniff.ts';
import { echo, listening, requestFields, serverEvents, testLimits } from './connections.ts';

/** The kinds of sockets that a connection may be given. */

function certificate(): { key: Buffer; cert: Buffer } | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'http2-tls-'));
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  try {
    const what = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1'];
    const files = ['-keyout', key, '-out', cert, '-subj', '/CN=localhost'];
    execFileSync('openssl', [...what, ...files], { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } catch {
    return undefined;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function serve(socket: net.Socket): Http2Connection {
  return openHttp2Connection(socket, {
    role: 'server',
    limits: testLimits,
    events: serverEvents(echo, () => undefined),
  });
}

function listen(server: net.Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port));
  });
}

/** Sends a body to an echo, and returns what came back. */
function echoed(connection: Http2Connection, body: Uint8Array): Promise<Buffer> {
  const { heard, listener } = listening();
  const stream = connection.open(requestFields, false, listener);
  listener.stream = stream;
  stream?.write(body, true);
  return heard.closed.then(() => Buffer.concat(heard.chunks));
}

function openOn(socket: net.Socket): Promise<Http2Connection> {
  return new Promise((resolve) => {
    const events = serverEvents(echo, () => undefined);
    const connection: Http2Connection = openHttp2Connection(socket, {
      role: 'client',
      limits: testLimits,
      events: { ...events, onReady: () => resolve(connection) },
    });
  });
}

const body = new Uint8Array(2_000_000).map((_, i) => i * 7);

describe('the sockets of HTTP/2 connections', () => {
  it('plain ones that were read already: the preface was put back', async () => {
    const server = net.createServer((socket) => {
      sniffProtocol(socket, 1000, () => serve(socket));
    });
    const client = await openOn(net.connect(await listen(server), '127.0.0.1'));
    assert.deepEqual(await echoed(client, body), Buffer.from(body));
    client.destroy();
    server.close();
  });

  it('TLS in both roles, and with node:http2 at the other end', async function () {
    const identity = certificate();
    if (identity === undefined) return this.skip();
    let accepted: Http2Connection | undefined;
    const options = { ...identity, ALPNProtocols: ['h2'], requestCert: true, ca: identity.cert };
    const server = tls.createServer(options, (socket) => (accepted = serve(socket)));
    const port = await listen(server);
    const trust = {
      ...identity,
      ca: identity.cert,
      servername: 'localhost',
      ALPNProtocols: ['h2'],
    };
    const client = await openOn(tls.connect({ port, host: '127.0.0.1', ...trust }));
    assert.deepEqual(await echoed(client, body), Buffer.from(body));
    assert.equal(accepted?.peerCommonName, 'localhost');
    assert.match(accepted.remoteAddress, /^127\.0\.0\.1:\d+$/);
    client.destroy();

    const session = http2.connect(`https://127.0.0.1:${port}`, trust);
    const stream = session.request({ ':method': 'POST', ':path': '/x' });
    stream.end(body);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    assert.deepEqual(Buffer.concat(chunks), Buffer.from(body));
    session.destroy();
    server.close();
  }).timeout(20_000);

  it('one that was closed before it came here', async () => {
    const socket = new net.Socket();
    socket.destroy();
    await new Promise((resolve) => socket.on('close', resolve));
    const reason = await new Promise<string>((resolve) => {
      openHttp2Connection(socket, {
        role: 'client',
        limits: testLimits,
        events: serverEvents(echo, resolve),
      });
    });
    assert.equal(reason, 'the socket was closed');
  });
});
