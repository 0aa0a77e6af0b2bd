import assert from 'node:assert/strict';
import { textOf, utf8 } from '../../src/base/bytes.ts';
import { Client } from '../../src/client/client.ts';
import { Watcher, type Watch } from '../../src/client/watcher.ts';
import type { ClientStreamEvents, GrpcChannel } from '../../src/grpc/types.ts';
import { Code } from '../../src/wire/errors.ts';
import { EventType } from '../../src/wire/mvccpb.ts';
import { WatchRequest, WatchResponse } from '../../src/wire/watch.ts';

/** One stream of watches as a server sees it. */
class ServerStream {
  readonly requests: WatchRequest[] = [];
  readonly events: ClientStreamEvents;
  isPaused = false;
  isCancelled = false;

  constructor(events: ClientStreamEvents) {
    this.events = events;
  }

  /** The watches asked for: key and start revision. */
  get creates(): readonly (readonly [string, number])[] {
    return this.requests.flatMap(({ request }) =>
      request?.case === 'createRequest'
        ? [[textOf(request.value.key), request.value.startRevision] as const]
        : [],
    );
  }

  get cancels(): readonly bigint[] {
    return this.requests.flatMap(({ request }) =>
      request?.case === 'cancelRequest' ? [request.value.watchId] : [],
    );
  }

  created(watchId: bigint, revision: number): void {
    this.answer({ watchId, created: true }, revision);
  }

  put(watchId: bigint, ...revisions: readonly number[]): void {
    const events = revisions.map((modRevision) => ({
      type: EventType.PUT,
      kv: {
        key: utf8('k'),
        value: utf8(''),
        createRevision: modRevision,
        modRevision,
        version: 1,
        lease: 0n,
      },
      prevKv: undefined,
    }));
    this.answer({ watchId, events }, revisions.at(-1) ?? 0);
  }

  answer(fields: Partial<WatchResponse>, revision: number): void {
    const header = { clusterId: 1n, memberId: 1n, revision, raftTerm: 1 };
    this.events.onMessage(WatchResponse.encode({ header, ...fields }));
  }

  fail(code: number, text = ''): void {
    this.events.onEnd({ code, text });
  }
}

/** Servers to which a client connects one after the other; each has the streams opened on it. */
function setUp(): { readonly streams: ServerStream[]; readonly watcher: Watcher } {
  const streams: ServerStream[] = [];
  const channel: GrpcChannel = {
    unary: () => assert.fail('no unary call is expected'),
    stream: (path, options, events) => {
      assert.equal(path, '/etcdserverpb.Watch/Watch');
      assert.deepEqual(options.metadata, { hasleader: 'true' });
      const stream = new ServerStream(events);
      streams.push(stream);
      return {
        send: (message) => {
          stream.requests.push(WatchRequest.decode(message));
          return true;
        },
        halfClose: () => undefined,
        pause: () => void (stream.isPaused = true),
        resume: () => void (stream.isPaused = false),
        cancel: () => {
          stream.isCancelled = true;
          queueMicrotask(() => events.onEnd({ code: Code.Canceled, text: 'context canceled' }));
        },
      };
    },
    close: () => undefined,
  };
  const client = new Client({
    addresses: ['h:1'],
    timeoutMs: 1000,
    dialTimeoutMs: 1000,
    openChannel: () => channel,
    probe: () => Promise.resolve(),
  });
  return { streams, watcher: new Watcher(client, { sleep: () => Promise.resolve() }) };
}

const settle = (): Promise<void> => new Promise((resume) => setImmediate(resume));

/** Reads on in the background: revisions of events, `p` and the revision for progress, an error's text. */
function readAll(watch: Watch): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const { response, error } of watch) {
      for (const { kv } of response.events) seen.push(String(kv?.modRevision));
      if (response.events.length === 0 && error === undefined) {
        seen.push(`p${response.header?.revision}`);
      }
      if (error !== undefined) seen.push(error.message);
    }
    seen.push('end');
  })();
  return seen;
}

const at = (streams: readonly ServerStream[], i: number): ServerStream => {
  const stream = streams[i];
  assert.ok(stream !== undefined, `stream ${i} is open`);
  return stream;
};

describe('a watcher of the client', () => {
  it('goes on with the next stream where the last one broke off, without a gap or a repeat', async () => {
    const { streams, watcher } = setUp();
    const seen = readAll(watcher.watch({ key: utf8('k') }));
    await settle();
    assert.deepEqual(at(streams, 0).creates, [['k', 0]]);
    at(streams, 0).created(0n, 7);
    at(streams, 0).put(0n, 8, 9);
    await settle();
    at(streams, 0).fail(Code.Unavailable);
    await settle();
    assert.deepEqual(at(streams, 1).creates, [['k', 10]]);
    at(streams, 1).created(0n, 12);
    at(streams, 1).put(0n, 10);
    await settle();
    assert.deepEqual(seen, ['8', '9', '10']);
  });

  it('from now on stays from then on, when nothing has happened before the stream broke', async () => {
    const { streams, watcher } = setUp();
    readAll(watcher.watch({ key: utf8('k') }));
    await settle();
    at(streams, 0).created(0n, 7);
    await settle();
    at(streams, 0).fail(Code.Unavailable);
    await settle();
    assert.deepEqual(at(streams, 1).creates, [['k', 8]]);
  });

  it('takes progress for what has been seen, and a start in the future for what it is', async () => {
    const { streams, watcher } = setUp();
    const [past, future] = [
      watcher.watch({ key: utf8('p') }),
      watcher.watch({ startRevision: 50 }),
    ];
    const seen = [readAll(past), readAll(future)];
    await settle();
    at(streams, 0).created(0n, 7);
    await settle();
    at(streams, 0).created(1n, 7);
    at(streams, 0).answer({ watchId: -1n }, 20);
    await settle();
    assert.deepEqual(seen, [['p20'], ['p20']]);
    at(streams, 0).fail(Code.Unavailable);
    await settle();
    at(streams, 1).created(0n, 20);
    await settle();
    assert.deepEqual(at(streams, 1).creates, [
      ['p', 21],
      ['', 50],
    ]);
  });

  it('creates watches one after the other, and keeps those apart that a stream carries', async () => {
    const { streams, watcher } = setUp();
    const seen = [
      readAll(watcher.watch({ key: utf8('a') })),
      readAll(watcher.watch({ key: utf8('b') })),
    ];
    await settle();
    assert.deepEqual(at(streams, 0).creates, [['a', 0]]);
    at(streams, 0).created(4n, 1);
    await settle();
    assert.deepEqual(at(streams, 0).creates, [
      ['a', 0],
      ['b', 0],
    ]);
    at(streams, 0).put(4n, 2);
    at(streams, 0).created(5n, 2);
    at(streams, 0).put(5n, 3);
    at(streams, 0).put(4n, 4);
    await settle();
    assert.deepEqual(seen, [['2', '4'], ['3']]);
  });

  it('ends with what a watch was cancelled for', async () => {
    const { streams, watcher } = setUp();
    const compacted = readAll(watcher.watch({ key: utf8('k'), startRevision: 1 }));
    await settle();
    at(streams, 0).created(0n, 9);
    at(streams, 0).answer({ watchId: 0n, canceled: true, compactRevision: 5 }, 0);
    await settle();
    assert.deepEqual(compacted, ['etcdserver: mvcc: required revision has been compacted', 'end']);
  });

  for (const [code, text] of [
    [Code.Unavailable, 'etcdserver: no leader'],
    [Code.PermissionDenied, 'etcdserver: permission denied'],
    [Code.Unimplemented, 'unknown service'],
  ] as const) {
    it(`ends all watches where trying again is of no use: ${text}`, async () => {
      const { streams, watcher } = setUp();
      const seen = [readAll(watcher.watch({ key: utf8('a') })), readAll(watcher.watch({}))];
      await settle();
      at(streams, 0).fail(code, text);
      await settle();
      assert.deepEqual(seen, [
        [text, 'end'],
        [text, 'end'],
      ]);
      assert.equal(streams.length, 1);
    });
  }

  it('cancels a watch that is left, and its stream with the last', async () => {
    const { streams, watcher } = setUp();
    const [first, second] = [watcher.watch({}), watcher.watch({})];
    await settle();
    at(streams, 0).created(0n, 1);
    await settle();
    at(streams, 0).created(1n, 1);
    await settle();
    first.cancel();
    assert.deepEqual(at(streams, 0).cancels, [0n]);
    assert.equal(at(streams, 0).isCancelled, false);
    second.cancel();
    assert.equal(at(streams, 0).isCancelled, true);
  });

  it('opens another stream for a watch that comes just after the last was left', async () => {
    const { streams, watcher } = setUp();
    const first = watcher.watch({});
    await settle();
    at(streams, 0).created(0n, 1);
    await settle();
    first.cancel();
    const seen = readAll(watcher.watch({ key: utf8('next') }));
    await settle();
    assert.deepEqual(at(streams, 1).creates, [['next', 0]]);
    at(streams, 1).created(0n, 1);
    at(streams, 1).put(0n, 2);
    await settle();
    assert.deepEqual(seen, ['2']);
  });

  it('cancels a watch that was left before it was created', async () => {
    const { streams, watcher } = setUp();
    const [first, second] = [watcher.watch({ key: utf8('a') }), watcher.watch({ key: utf8('b') })];
    await settle();
    first.cancel();
    const seen = readAll(second);
    at(streams, 0).created(0n, 1);
    await settle();
    at(streams, 0).created(1n, 1);
    at(streams, 0).put(1n, 2);
    await settle();
    assert.deepEqual(at(streams, 0).cancels, [0n]);
    assert.deepEqual(seen, ['2']);
  });

  it('makes the server wait for a reader that does not keep up', async () => {
    const { streams, watcher } = setUp();
    const watch = watcher.watch({});
    await settle();
    at(streams, 0).created(0n, 1);
    for (let revision = 2; revision < 1000; revision++) at(streams, 0).put(0n, revision);
    await settle();
    assert.equal(at(streams, 0).isPaused, true);
    const seen = readAll(watch);
    await settle();
    assert.equal(at(streams, 0).isPaused, false);
    assert.deepEqual(
      seen,
      Array.from({ length: 998 }, (_, i) => String(i + 2)),
    );
  });

  it('asks for progress also before there is a stream', async () => {
    const { streams, watcher } = setUp();
    watcher.watch({});
    watcher.requestProgress();
    await settle();
    watcher.requestProgress();
    const asked = at(streams, 0).requests.filter(({ request }) => {
      return request?.case === 'progressRequest';
    });
    assert.equal(asked.length, 2);
  });
});
