import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/base/random.ts';
import { holdPorts } from '../db/ports.ts';
import { arrivalMs, Links } from './links.ts';
import { PeerProxy } from './peer-proxy.ts';
import { inodeOf, ownerOf } from './socket-owner.ts';

describe('jepsen-lite: what a link does to bytes', () => {
  const sent = { nowMs: 1_000, previousMs: 1_000, bytes: 500 };

  it('a sound link is no later than now, and keeps the order behind what is late', () => {
    assert.equal(arrivalMs({}, sent, seededRandom(1)), 1_000);
    assert.equal(arrivalMs({}, { ...sent, previousMs: 1_700 }, seededRandom(1)), 1_700);
  });

  it('delay is at least its least, and at most that with all of the jitter', () => {
    const random = seededRandom(2);
    for (let i = 0; i < 200; i++) {
      const late = (arrivalMs({ delayMs: 30, jitterMs: 20 }, sent, random) ?? 0) - 1_000;
      assert.ok(late >= 30 && late <= 50, String(late));
    }
  });

  it('a loss is a retransmission: 200 ms, and twice that each time it is lost again', () => {
    const random = seededRandom(3);
    const late = Array.from(
      { length: 300 },
      () => (arrivalMs({ lossShare: 0.5 }, sent, random) ?? 0) - 1_000,
    );
    assert.deepEqual(
      [...new Set(late)].sort((a, b) => a - b),
      [0, 200, 600, 1_400, 3_000],
    );
  });

  it('a clogged link takes the time of its bytes', () => {
    assert.equal(arrivalMs({ bytesPerSecond: 1_000 }, sent, seededRandom(1)), 1_500);
  });

  it('a link that always breaks answers no time', () => {
    assert.equal(arrivalMs({ resetShare: 1 }, sent, seededRandom(1)), undefined);
  });
});

describe('jepsen-lite: who calls', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:5208 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0',
    '   1: 0100007F:AD6A 0100007F:5209 01 00000000:00000000 00:00000000 00000000     0        0 4711 2 0',
    '   2: 0100007F:5209 0100007F:AD6A 01 00000000:00000000 00:00000000 00000000     0        0 12 2 0',
    '   3: 0100007F:AD6B 0100007F:5209 06 00000000:00000000 03:00000176 00000000     0        0 0 3 0',
    '',
  ].join('\n');

  it('is the socket whose local end is the port that called, and not the other end of the same connection', () => {
    assert.equal(inodeOf(table, 0xad6a, 0x5209), '4711');
  });

  it('is nobody where the connection is not there, or only its time of waiting', () => {
    assert.equal(inodeOf(table, 0xad6a, 0x5208), undefined);
    assert.equal(inodeOf(table, 0xad6b, 0x5209), undefined);
  });

  it('is found for a real connection', async function () {
    if (process.platform !== 'linux') this.skip();
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    await new Promise((done) => socket.once('connect', done));
    assert.equal(
      await ownerOf(socket.localPort ?? 0, port, [process.ppid, process.pid]),
      process.pid,
    );
    assert.equal(await ownerOf(socket.localPort ?? 0, port, [process.ppid]), undefined);
    socket.destroy();
    server.close();
  });
});

/** A member `n2` that echoes, behind a proxy; `n1` calls it. */
describe('jepsen-lite: a proxy before a peer listener', () => {
  const links = new Links();
  let echo: Server;
  let proxy: PeerProxy;
  let port: number;
  const callers: Socket[] = [];

  before(async () => {
    echo = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    const held = await holdPorts(2);
    const [targetPort = 0, proxyPort = 0] = held.ports;
    held.release();
    port = proxyPort;
    await new Promise<void>((done) => echo.listen(targetPort, '127.0.0.1', done));
    proxy = await PeerProxy.listen({
      member: 'n2',
      port,
      targetPort,
      links,
      random: seededRandom(1),
      callerAt: () => Promise.resolve('n1'),
    });
  });
  afterEach(() => links.healAll());
  after(() => {
    for (const socket of callers) socket.destroy();
    proxy.close();
    echo.close();
  });

  async function call(): Promise<{ readonly socket: Socket; readonly heard: () => string }> {
    const socket = connect(port, '127.0.0.1');
    callers.push(socket);
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => (text += String(bytes)));
    await new Promise((done) => socket.once('connect', done));
    return { socket, heard: () => text };
  }

  async function until(holds: () => boolean): Promise<void> {
    for (let i = 0; i < 200 && !holds(); i++) await sleep(10);
    assert.ok(holds());
  }

  it('passes bytes both ways', async () => {
    const { socket, heard } = await call();
    socket.write('hello');
    await until(() => heard() === 'hello');
  });

  for (const [from, to] of [
    ['n1', 'n2'],
    ['n2', 'n1'],
  ] as const) {
    it(`holds what ${from} says to ${to} while that way is cut, and delivers it afterwards`, async () => {
      const { socket, heard } = await call();
      socket.write('a');
      await until(() => heard() === 'a');
      links.set(from, to, { cut: 'hold' });
      socket.write('b');
      await sleep(60);
      assert.equal(heard(), 'a');
      links.heal(from, to);
      await until(() => heard() === 'ab');
    });
  }

  it('tells nobody across a cut that the other end is gone', async () => {
    let ended = 0;
    echo.once('connection', (other: Socket) => other.once('close', () => (ended += 1)));
    const { socket, heard } = await call();
    socket.write('x');
    await until(() => heard() === 'x');
    links.set('n1', 'n2', { cut: 'hold' });
    socket.destroy();
    await sleep(60);
    assert.equal(ended, 0);
    links.healAll();
    await until(() => ended === 1);
  });

  it('breaks connections and lets none in while it is refused', async () => {
    const { socket, heard } = await call();
    socket.write('x');
    await until(() => heard() === 'x');
    let closed = 0;
    socket.once('close', () => (closed += 1));
    links.set('n2', 'n1', { cut: 'refuse' });
    await until(() => closed === 1);
    const again = connect(port, '127.0.0.1');
    again.on('error', () => undefined);
    again.once('close', () => (closed += 1));
    await until(() => closed === 2);
  });
});
