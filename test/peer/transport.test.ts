import assert from 'node:assert/strict';
import * as http from 'node:http';
import * as net from 'node:net';
import { seededRandom } from '../../src/base/random.ts';
import { openGrpcJsChannel } from '../../src/grpc/grpc-js-channel.ts';
import type { GrpcChannel, Status } from '../../src/grpc/types.ts';
import { createMetrics } from '../../src/host/metrics-registry.ts';
import { encodeBatch } from '../../src/peer/messages.ts';
import { helloTo, type Hello } from '../../src/peer/handshake.ts';
import {
  HelloRequest,
  MessagesReply,
  MessagesRequest,
  messagesPath,
} from '../../src/peer/messages.ts';
import type { Message } from '../../src/raft/types.ts';
import { unary, until } from '../grpc/fixture.ts';
import { Gate, introduce, RealMember } from './real-member.ts';
import { heartbeat, identityOf } from './recording-events.ts';

function append(from: bigint, to: bigint, index: number, sizeBytes: number): Message {
  const data = new Uint8Array(sizeBytes).fill(index % 256);
  const entries = [{ term: 1, index: index + 1, type: 'normal' as const, data }];
  const position = { index, logTerm: 1, commit: 0 };
  return { type: 'MsgApp', from, to, term: 1, ...position, entries, isNotice: false };
}

describe('peer/transport', () => {
  const running: { stop(): Promise<void> }[] = [];
  const start = async (...args: Parameters<typeof RealMember.start>): Promise<RealMember> => {
    const member = await RealMember.start(...args);
    running.push(member);
    return member;
  };
  const gateTo = async (member: RealMember): Promise<Gate> => {
    const gate = await Gate.open(member.port);
    running.push({ stop: () => gate.close() });
    return gate;
  };
  const channelTo = (member: RealMember): GrpcChannel => {
    const channel = openGrpcJsChannel({ addresses: [member.address], reconnectMaxMs: 100 });
    running.push({ stop: async () => channel.close() });
    return channel;
  };
  afterEach(async () => {
    for (const one of running.splice(0).toReversed()) await one.stop();
  });

  /** Sends until it arrives: a link takes a moment to open. */
  const untilLinked = async (from: RealMember, to: RealMember): Promise<void> => {
    const before = to.events.messages.length;
    await until(`${from.id} reaches ${to.id}`, () => {
      from.transport.send([heartbeat(from.id, to.id, 1), append(from.id, to.id, 1, 1)]);
      return to.events.messages
        .slice(before)
        .some((m) => m.type === 'MsgApp' && m.from === from.id);
    });
  };
  const linked = async (...members: readonly RealMember[]): Promise<void> => {
    introduce(...members);
    for (const from of members)
      for (const to of members) if (from !== to) await untilLinked(from, to);
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const { events } of members) {
      events.messages.length = events.batches.length = events.unreachables.length = 0;
    }
  };

  it('carries messages between three members, those of one turn together and in order', async () => {
    const [one, two, three] = [await start(1n), await start(2n), await start(3n)];
    await linked(one, two, three);
    for (let i = 0; i < 50; i++) one.transport.send([heartbeat(1n, 2n, i), heartbeat(1n, 3n, i)]);
    three.transport.send([append(3n, 1n, 7, 1000)]);
    await until(
      'all has come',
      () =>
        two.events.messages.length === 50 &&
        three.events.messages.length === 50 &&
        one.events.messages.length === 1,
    );
    assert.deepEqual(
      two.events.messages,
      Array.from({ length: 50 }, (_, i) => heartbeat(1n, 2n, i)),
    );
    assert.deepEqual(two.events.batches, [50], 'one frame');
    assert.deepEqual(one.events.messages, [append(3n, 1n, 7, 1000)]);
    assert.deepEqual([...one.transport.activePeers(5000)].sort(), [2n, 3n]);
    assert.equal(one.transport.activePeers(-1).size, 0);
  });

  it('keeps appends in order, across many frames', async () => {
    const [one, two] = [await start(1n), await start(2n)];
    await linked(one, two);
    for (let i = 0; i < 200; i++) {
      one.transport.send([append(1n, 2n, i, 50_000)]);
      if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until('all has come', () => two.events.messages.length === 200);
    const indexes = two.events.messages.map((m) => (m.type === 'MsgApp' ? m.index : -1));
    assert.deepEqual(
      indexes,
      Array.from({ length: 200 }, (_, i) => i),
    );
    assert.deepEqual(one.events.unreachables, []);
  });

  it('reports a member that dies, later and once a turn, and finds it again when it comes back', async () => {
    const [one, two] = [await start(1n), await start(2n)];
    await linked(one, two);
    const { address } = two;
    await two.stop();
    await until('the loss is noticed', () => one.events.unreachables.length > 0);
    const before = one.events.unreachables.length;
    one.transport.send([heartbeat(1n, 2n, 1), heartbeat(1n, 2n, 2)]);
    assert.equal(one.events.unreachables.length, before, 'not re-entrantly');
    await until('a message without a link', () => one.events.unreachables.length > before);
    const again = await start(2n, { address });
    introduce(one, again);
    await untilLinked(one, again);
    await untilLinked(again, one);
  });

  it('takes a link down that has gone silent, and opens another', async () => {
    const limits = { pingIntervalMs: 50, controlPongTimeoutMs: 300, handshakeTimeoutMs: 300 };
    const [one, two] = [await start(1n, { limits }), await start(2n, { limits })];
    const gate = await gateTo(two);
    one.transport.setPeers([{ ...two.peerAddress, peerUrls: [gate.url] }]);
    two.transport.setPeers([one.peerAddress]);
    await untilLinked(one, two);
    gate.shut();
    one.events.unreachables.length = 0;
    await until('the silence is noticed', () => one.events.unreachables.length > 0);
    await until('the silence is told', () =>
      one.logs.some((log) => /not answered within 300/.test(log)),
    );
    await until('an attempt times out', () =>
      one.logs.some((log) => /handshake within 300/.test(log)),
    );
    gate.reopen();
    await untilLinked(one, two);
  });

  it('lets no heartbeat wait for what is large: each lane has a connection of its own', async () => {
    const [one, two] = [await start(1n), await start(2n)];
    const gate = await gateTo(two);
    one.transport.setPeers([{ ...two.peerAddress, peerUrls: [gate.url] }]);
    two.transport.setPeers([one.peerAddress]);
    await untilLinked(one, two);
    assert.equal(gate.connectionCount, 2);
    gate.stall(1);
    for (let i = 0; i < 40; i++) one.transport.send([append(1n, 2n, 100 + i, 1_000_000)]);
    for (let i = 0; i < 20; i++) {
      one.transport.send([heartbeat(1n, 2n, 100 + i)]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const arrived = (type: Message['type']): readonly Message[] =>
      two.events.messages.filter(
        (m) =>
          m.type === type &&
          (('index' in m && m.index >= 100) || ('commit' in m && m.commit >= 100)),
      );
    await until('the heartbeats arrive', () => arrived('MsgHeartbeat').length === 20);
    assert.deepEqual(arrived('MsgApp'), []);
  });

  it('says of each refused handshake what is wrong, on both sides', async () => {
    const two = await start(2n);
    const cases: readonly {
      readonly identity: object;
      readonly to?: bigint;
      readonly isFinal: boolean;
      readonly reason: RegExp;
    }[] = [
      {
        identity: { clusterId: 0xbadn },
        isFinal: false,
        reason: /^cluster ID mismatch: 1 is of cluster bad, 2 is of cluster c1$/,
      },
      {
        identity: { memberId: 9n },
        isFinal: false,
        reason: /^9 is not a member that 2 knows$/,
      },
      {
        identity: { incarnation: 5n },
        isFinal: true,
        reason: /^member 1 has another data dir .* add it as a new member/,
      },
      {
        identity: {},
        to: 3n,
        isFinal: false,
        reason: /^wrong member: 1 looks for 3 at the peer URL of 2$/,
      },
    ];
    for (const { identity, to = 2n, isFinal, reason } of cases) {
      const one = await start(1n, { identity });
      two.transport.setPeers([{ ...one.peerAddress, memberId: 1n, incarnation: 1000n }]);
      two.logs.length = 0;
      one.transport.setPeers([{ ...two.peerAddress, memberId: to, incarnation: undefined }]);
      await until(`refused: ${reason}`, () => one.events.refusals.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 250));
      assert.equal(one.events.refusals.length, 1, 'told once, though tried again');
      assert.match(one.events.refusals[0]?.reason ?? '', reason);
      assert.equal(one.events.refusals[0]?.isFinal, isFinal);
      const told = two.logs.filter((log) => log.startsWith('warn a peer was refused'));
      assert.equal(told.length, 1, 'the other side too');
      assert.deepEqual(two.events.messages, []);
      await one.stop();
    }
  });

  it('does not send to a member that is not the one it should be', async () => {
    const [one, two] = [await start(1n), await start(2n, { identity: { incarnation: 5n } })];
    two.transport.setPeers([one.peerAddress]);
    one.transport.setPeers([{ ...two.peerAddress, incarnation: 2000n }]);
    await until('it is told', () => one.events.refusals.length > 0);
    assert.match(one.events.refusals[0]?.reason ?? '', /^member 2 has another data dir/);
    assert.equal(one.events.refusals[0]?.isFinal, false);
    one.transport.send([heartbeat(1n, 2n, 1)]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(two.events.messages, []);
  });

  it('keeps a link open when it learns the incarnation that had answered already', async () => {
    const [one, two] = [await start(1n), await start(2n)];
    introduce(one, two);
    one.transport.setPeers([{ ...two.peerAddress, incarnation: undefined }]);
    await untilLinked(one, two);
    one.logs.length = one.events.unreachables.length = 0;
    one.transport.setPeers([two.peerAddress]);
    await untilLinked(one, two);
    assert.deepEqual([one.logs, one.events.unreachables], [[], []]);
    one.transport.setPeers([{ ...two.peerAddress, incarnation: 9n }]);
    await until('it is told', () => one.events.refusals.length > 0);
  });

  it('tries one peer URL after the other', async () => {
    const [one, two] = [await start(1n), await start(2n)];
    two.transport.setPeers([one.peerAddress]);
    const peerUrls = ['http://127.0.0.1:1', 'ftp://nowhere', ...two.peerAddress.peerUrls];
    one.transport.setPeers([{ ...two.peerAddress, peerUrls }]);
    await untilLinked(one, two);
    assert.ok(
      one.logs.some((log) => log.includes('peer URL ftp://nowhere is not http://host:port')),
    );
  });

  it('keeps what is sent while a link is being opened', async () => {
    const [one, two] = [await start(1n), await start(2n)];
    introduce(one, two);
    one.transport.send([heartbeat(1n, 2n, 42)]);
    await until('it arrives', () => two.events.messages.length > 0);
    assert.deepEqual(two.events.messages, [heartbeat(1n, 2n, 42)]);
  });

  it('takes nothing more from a member that is no longer one', async () => {
    const [one, two] = [await start(1n), await start(2n, { limits: { removalGraceMs: 200 } })];
    await linked(one, two);
    two.transport.setPeers([two.peerAddress], new Set([1n]));
    one.transport.send([heartbeat(1n, 2n, 1)]);
    await until('it is heard for a moment yet', () => two.events.messages.length > 0);
    await until('it is told', () => one.events.refusals.length > 0);
    const [refusal] = one.events.refusals;
    assert.match(
      refusal?.reason ?? '',
      /^the member has been permanently removed from the cluster/,
    );
    assert.equal(refusal?.isFinal, true);
    two.events.messages.length = 0;
    one.transport.send([heartbeat(1n, 2n, 1)]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(two.events.messages, []);
  });

  it('answers a member that it does not know yet, but not one without a record of itself', async () => {
    const [one, two] = [await start(1n), await start(2n)];
    one.transport.setPeers([one.peerAddress, two.peerAddress]);
    await untilLinked(one, two);
    one.transport.send([heartbeat(1n, 2n, 1)]);
    await until('it is heard', () => two.events.messages.length > 0);
    two.transport.send([heartbeat(2n, 1n, 1)]);
    await until('it is answered', () => one.events.messages.length > 0);
    assert.deepEqual([...two.transport.activePeers(10_000)], [], 'only members count');
    const nobody = await start(3n);
    nobody.transport.setPeers([two.peerAddress]);
    await until('it is refused', () => nobody.events.refusals.length > 0);
    assert.deepEqual(nobody.events.refusals[0], {
      memberId: 2n,
      reason: '3 is not a member that 2 knows',
      isFinal: false,
    });
  });

  describe('towards whoever else comes to its port', () => {
    /** Opens a stream by hand and says what came back. */
    const converse = async (
      member: RealMember,
      requests: readonly Uint8Array[],
    ): Promise<{ refused: string; status: Status }> => {
      let status: Status | undefined;
      let refused = '';
      const stream = channelTo(member).stream(
        messagesPath,
        {},
        {
          onMessage: (message) => {
            const { reply } = MessagesReply.decode(message);
            if (reply?.case === 'hello') ({ refused } = reply.value);
          },
          onDrain: () => undefined,
          onEnd: (ended) => (status = ended),
        },
      );
      for (const request of requests) stream.send(request);
      await until('the stream ends', () => status !== undefined);
      return { refused, status: status ?? { code: -1, text: '' } };
    };
    const helloOf = (change: Partial<Hello> = {}): Uint8Array => {
      const value = HelloRequest.create({ ...helloTo(2n, identityOf(1n), []), ...change });
      return MessagesRequest.encode({ request: { case: 'hello', value } });
    };

    it('refuses another protocol version', async () => {
      const two = await start(2n);
      const { refused, status } = await converse(two, [
        helloOf({ protocolVersion: 9, protocolVersionMin: 8 }),
      ]);
      assert.equal(refused, 'peer protocol version mismatch: 1 speaks 8 to 9, 2 speaks 1 to 1');
      assert.deepEqual(status, { code: 9, text: refused });
    });

    it('ends streams of garbage, and serves on', async () => {
      const [one, two] = [await start(1n), await start(2n)];
      await linked(one, two);
      const asOne = helloOf({ incarnation: 1000n });
      const foreign = encodeBatch([heartbeat(3n, 2n, 1)]);
      const cases: readonly (readonly [readonly Uint8Array[], number, RegExp])[] = [
        [[new Uint8Array([255, 255, 255])], 3, /^proto: /],
        [[encodeBatch([heartbeat(1n, 2n, 1)])], 3, /first request is no hello/],
        [[HelloRequest.encode({})], 3, /proto|hello/],
        [[asOne, asOne], 3, /a second hello/],
        [[asOne, foreign], 3, /MsgHeartbeat from 3 to 2 on a stream of 1/],
        [[asOne, new Uint8Array([0x12, 4, 10, 2, 8, 99])], 3, /unknown message type 99/],
      ];
      for (const [requests, code, text] of cases) {
        const { status } = await converse(two, requests);
        assert.equal(status.code, code, String(text));
        assert.match(status.text, text);
      }
      const random = seededRandom(5);
      for (let i = 0; i < 20; i++) {
        const socket = net.connect(two.port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.write(Buffer.from(Array.from({ length: 200 }, () => random.below(256))));
        await new Promise((resolve) => setTimeout(resolve, 2));
        socket.destroy();
      }
      assert.deepEqual(two.events.messages, []);
      await untilLinked(one, two);
    });

    it('ends a stream that says no hello in time', async () => {
      const two = await start(2n, { limits: { handshakeTimeoutMs: 100 } });
      let status: Status | undefined;
      channelTo(two).stream(
        messagesPath,
        {},
        {
          onMessage: () => undefined,
          onDrain: () => undefined,
          onEnd: (ended) => (status = ended),
        },
      );
      await until('the stream ends', () => status !== undefined);
      assert.deepEqual(status, { code: 4, text: 'no hello came in time' });
    });

    it("serves HTTP/1.1, and none of a client's services", async () => {
      const two = await start(2n);
      const body = await new Promise((resolve) =>
        http.get({ port: two.port, host: '127.0.0.1', path: '/version' }, (response) =>
          response.on('data', (chunk: Buffer) => resolve(chunk.toString())),
        ),
      );
      assert.equal(body, '{"etcdserver":"3.7.3"}');
      const { status } = await unary(channelTo(two), '/etcdserverpb.KV/Put', new Uint8Array(0));
      assert.deepEqual(status, { code: 12, text: 'unknown service etcdserverpb.KV' });
    });
  });

  it('drops what is beyond the limits of a queue, and says so', async () => {
    const limits = { queueMessagesMax: 10, queueBytesMax: 100_000 };
    const metrics = createMetrics();
    const [one, two] = [await start(1n, { limits, metrics }), await start(2n)];
    await linked(one, two);
    one.transport.send(Array.from({ length: 25 }, (_, i) => heartbeat(1n, 2n, i)));
    one.transport.send(Array.from({ length: 5 }, (_, i) => append(1n, 2n, i, 40_000)));
    await until('what was taken has come', () => two.events.messages.length === 12);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const kinds = two.events.messages.map(({ type }) => type);
    assert.equal(kinds.filter((type) => type === 'MsgHeartbeat').length, 10);
    assert.equal(kinds.filter((type) => type === 'MsgApp').length, 2);
    assert.deepEqual(one.events.unreachables, [2n]);
    one.transport.send([append(1n, 2n, 0, 500_000)]);
    await until('one alone may be larger', () => two.events.messages.length === 13);
    assert.match(metrics.render(), /etcd_network_peer_sent_failures_total\{To="2"\} \d+/);
  });

  it("counts under etcd's names", async () => {
    const metrics = createMetrics();
    const limits = { pingIntervalMs: 20 };
    const [one, two] = [await start(1n, { metrics, limits }), await start(2n)];
    await linked(one, two);
    two.transport.send([append(2n, 1n, 1, 1000)]);
    const shows = (pattern: RegExp): Promise<void> =>
      until(String(pattern), () => pattern.test(metrics.render()));
    await shows(/^etcd_network_peer_sent_bytes_total\{To="2"\} [1-9]/m);
    await shows(/^etcd_network_peer_received_bytes_total\{From="2"\} [1-9]\d{3}/m);
    await shows(/^etcd_network_peer_round_trip_time_seconds_count\{To="2"\} [1-9]/m);
    await shows(/^etcd_network_active_peers\{Local="1",Remote="2"\} 1/m);
    await two.stop();
    await shows(/^etcd_network_active_peers\{Local="1",Remote="2"\} 0/m);
  });
});
