import assert from 'node:assert/strict';
import { bidi, type ApiContext } from '../../src/api/rpc.ts';
import type { StreamExchange } from '../../src/api/exchange.ts';
import { LeaderWatch } from '../../src/api/leader-watch.ts';
import { Readiness } from '../../src/api/readiness.ts';
import { RpcMetrics } from '../../src/api/rpc-metrics.ts';
import { mustGet } from '../../src/base/assert.ts';
import { utf8 } from '../../src/base/bytes.ts';
import type { StreamReceiver } from '../../src/grpc/types.ts';
import { createMetrics } from '../../src/host/metrics-registry.ts';
import type { Metrics } from '../../src/host/metrics.ts';
import { Code } from '../../src/wire/errors.ts';
import { WatchCancelRequest } from '../../src/wire/watch.ts';
import { RecordedCall } from './caller.ts';
import { FakeMember } from './fake-member.ts';
import { ManualScheduler, sampleOf } from './services.ts';

const path = '/etcdserverpb.Watch/Watch';
const labels = 'grpc_method="Watch",grpc_service="etcdserverpb.Watch",grpc_type="bidi_stream"';

interface Opened {
  readonly call: RecordedCall;
  readonly receiver: StreamReceiver;
  /** Undefined when the stream was not let in. */
  readonly exchange: StreamExchange | undefined;
  readonly requests: bigint[];
  readonly metrics: Metrics;
  readonly scheduler: ManualScheduler;
  halfCloses(): number;
}

/** A method that keeps what it is given. */
function open(member: FakeMember, metadata: Readonly<Record<string, string>> = {}): Opened {
  const metrics = createMetrics();
  const scheduler = new ManualScheduler();
  const api: ApiContext = {
    member,
    limits: { requestBytesMax: 1024, txnOpsMax: 128 },
    metrics: new RpcMetrics(metrics),
    leaderWatch: new LeaderWatch(member, scheduler, 1000),
    readiness: new Readiness(),
  };
  const requests: bigint[] = [];
  let exchange: StreamExchange | undefined;
  let halfCloses = 0;
  const [, handler] = bidi(api, {
    path,
    request: WatchCancelRequest,
    open: (opened) => {
      exchange = opened;
      return {
        onRequest: ({ watchId }) => void requests.push(watchId),
        onHalfClose: () => void halfCloses++,
      };
    },
  });
  assert(handler.kind === 'bidi');
  const call = new RecordedCall(path, metadata, undefined, () => undefined);
  const receiver = handler.open(call);
  return { call, receiver, exchange, requests, metrics, scheduler, halfCloses: () => halfCloses };
}

const request = (watchId: bigint): Uint8Array => WatchCancelRequest.encode({ watchId });

describe('a stream both ways', () => {
  it('hands on each request, and answers after the caller has sent its last', () => {
    const { call, receiver, exchange, requests, metrics, halfCloses } = open(new FakeMember());
    receiver.onMessage(request(1n));
    receiver.onMessage(request(2n));
    receiver.onHalfClose();
    assert.deepEqual([requests, halfCloses()], [[1n, 2n], 1]);
    assert.equal(mustGet(exchange, 'exchange').send(utf8('answer')), true);
    mustGet(exchange, 'exchange').end();
    assert.equal(call.answer?.code, Code.OK);
    assert.equal(call.messages.length, 1);
    assert.equal(sampleOf(metrics, `grpc_server_started_total{${labels}}`), 1);
    assert.equal(sampleOf(metrics, `grpc_server_msg_received_total{${labels}}`), 2);
    assert.equal(sampleOf(metrics, `grpc_server_msg_sent_total{${labels}}`), 1);
    const handled = `grpc_server_handled_total{grpc_code="OK",${labels}}`;
    assert.equal(sampleOf(metrics, handled), 1);
  });

  it('ends with Internal, in the words of grpc-go, at a request that cannot be read', () => {
    const { call, receiver, requests } = open(new FakeMember());
    receiver.onMessage(Uint8Array.of(0x08));
    receiver.onMessage(request(1n));
    assert.equal(call.answer?.code, Code.Internal);
    assert.equal(
      call.answer.text,
      'grpc: failed to unmarshal the received message: proto: cannot parse invalid wire-format data',
    );
    assert.deepEqual(requests, []);
  });

  it('is refused by a learner, and then hears nothing', () => {
    const member = new FakeMember();
    member.isLearner = true;
    const { call, receiver, exchange } = open(member);
    receiver.onMessage(request(1n));
    receiver.onHalfClose();
    assert.equal(call.answer?.text, 'etcdserver: rpc not supported for learner');
    assert.equal(exchange, undefined);
  });

  it('of a caller that wants a leader ends when there is none for three election timeouts', () => {
    const member = new FakeMember();
    const { call, scheduler } = open(member, { hasleader: 'true' });
    member.lead = 0n;
    scheduler.advance(1000);
    scheduler.advance(1000);
    const early: unknown = call.answer;
    assert.equal(early, undefined);
    scheduler.advance(1000);
    assert.deepEqual([call.answer?.code, call.answer?.text], [14, 'etcdserver: no leader']);
  });

  it('that is cancelled tells so once, takes no request more and sends nothing', () => {
    const { call, receiver, exchange, requests, metrics } = open(new FakeMember());
    let overs = 0;
    exchange?.onOver(() => overs++);
    call.cancel();
    receiver.onMessage(request(1n));
    assert.equal(exchange?.send(utf8('late')), false);
    assert.deepEqual([overs, requests, call.messages.length], [1, [], 0]);
    const handled = `grpc_server_handled_total{grpc_code="Canceled",${labels}}`;
    assert.equal(sampleOf(metrics, handled), 1);
  });

  it('lets its requests wait, and tells when there is room for answers again', () => {
    const { call, exchange } = open(new FakeMember());
    exchange?.pauseRequests();
    assert.equal(call.isPaused, true);
    exchange?.resumeRequests();
    assert.equal(call.isPaused, false);
    let drains = 0;
    exchange?.onDrain(() => drains++);
    call.hasRoom = false;
    assert.equal(exchange?.send(utf8('much')), false);
    call.drain();
    assert.equal(drains, 1);
  });
});
