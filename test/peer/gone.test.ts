import assert from 'node:assert/strict';
import * as net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { knock, type KnockAnswer } from '../../src/peer/knock.ts';
import { until } from '../grpc/fixture.ts';
import { Gate, introduce, RealMember } from './real-member.ts';

/** When a member takes it that the process of another has ended, and when it does not. */

/** Longer than a member looks after a link has broken. */
const lookMs = 600;

function knockAt(port: number): Promise<KnockAnswer> {
  return new Promise((done) => knock(`127.0.0.1:${port}`, 100, done));
}

async function listen(): Promise<{ readonly server: net.Server; readonly port: number }> {
  const server = net.createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { server, port: (server.address() as net.AddressInfo).port };
}

describe('peer/knock', () => {
  it('tells a port that nothing listens on from one that something does', async () => {
    const { server, port } = await listen();
    assert.equal(await knockAt(port), 'other');
    await new Promise<void>((done) => server.close(() => done()));
    assert.equal(await knockAt(port), 'refused');
  });

  it('says nothing of an address that is none', async () => {
    assert.equal(await new Promise((done) => knock('nowhere', 100, done)), 'other');
  });
});

describe('the end of a process', function () {
  this.timeout(10_000);
  const running: { stop(): Promise<void> }[] = [];
  const start = async (id: bigint): Promise<RealMember> => {
    const member = await RealMember.start(id);
    running.push(member);
    return member;
  };
  afterEach(async () => {
    for (const one of running.splice(0).toReversed()) await one.stop();
  });

  const linked = (...members: readonly RealMember[]): Promise<void> =>
    until('all are linked', () =>
      members.every(({ transport }) => transport.connectedPeers().size === members.length - 1),
    );

  it('shows at once to all that had a link with it, and to each once', async () => {
    const [one, two, three] = [await start(1n), await start(2n), await start(3n)];
    introduce(one, two, three);
    await linked(one, two, three);
    await three.stop();
    await until('both know', () => [one, two].every(({ events }) => events.ends.length > 0));
    await sleep(lookMs);
    for (const { events } of [one, two]) assert.deepEqual(events.ends, [3n]);
  });

  it('is not taken from a link that breaks while the process lives', async () => {
    const [one, two] = [await start(1n), await start(2n)];
    const gate = await Gate.open(two.port);
    one.transport.setPeers([one.peerAddress, { ...two.peerAddress, peerUrls: [gate.url] }]);
    two.transport.setPeers([one.peerAddress, two.peerAddress]);
    await linked(one, two);
    // What led to it is gone and refuses, while its own link stands.
    await gate.close();
    await until('the link is lost', () => one.logs.some((line) => /link is lost/.test(line)));
    await sleep(lookMs);
    assert.deepEqual(one.events.ends, []);
  });

  it('is not taken from a port that answers again', async () => {
    const [one, two] = [await start(1n), await start(2n)];
    introduce(one, two);
    await linked(one, two);
    const { address } = two;
    await two.stop();
    const again = await RealMember.start(2n, { address });
    running.push(again);
    introduce(one, again);
    await linked(one, again);
    one.events.ends.length = 0;
    await sleep(lookMs);
    assert.deepEqual(one.events.ends, []);
  });

  it('is not taken from silence', async () => {
    const [one, two] = [await start(1n), await start(2n)];
    const gate = await Gate.open(two.port);
    running.push({ stop: () => gate.close() });
    one.transport.setPeers([one.peerAddress, { ...two.peerAddress, peerUrls: [gate.url] }]);
    await until('the link stands', () => one.logs.some((line) => /link is open/.test(line)));
    gate.shut();
    await two.stop();
    await sleep(lookMs);
    assert.deepEqual(one.events.ends, []);
  });
});
