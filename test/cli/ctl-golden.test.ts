import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { base64, fromBase64 } from '../../src/base/bytes.ts';
import type { ClientStream, ClientStreamEvents, GrpcChannel } from '../../src/grpc/types.ts';
import { MemberAddResponse } from '../../src/wire/cluster.ts';
import { PutRequest, PutResponse } from '../../src/wire/kv.ts';
import { LeaseGrantResponse } from '../../src/wire/lease.ts';
import { StatusResponse } from '../../src/wire/maintenance.ts';
import { ctlCases, type CtlCase } from './ctl-cases.ts';
import { comparable, runOurs } from './ctl-run.ts';
import { etcdBinary, etcdctlBinary, runEtcdctl, startEtcd } from './real-etcd.ts';
import {
  startRecordingProxy,
  type Recorded,
  type RecordedCall,
  type RecordedStream,
} from './recording-proxy.ts';

/**
 * Every command, as the real etcdctl 3.7.3 ran it against a real etcd 3.7.3: what it sent, what came back, and what it
 * printed. Ours has to send the same bytes, and, given the same answers, print the same. To record anew:
 * REWRITE=1 ETCD_BIN=... ETCDCTL_BIN=... npx mocha dist/test/cli/ctl-golden.test.js
 */
interface Golden {
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly cutAfter?: number;
  /** What the words in capitals stood for. */
  readonly words: Words;
  readonly calls: readonly RecordedCall[];
  readonly streams: readonly RecordedStream[];
  readonly outcome: Readonly<Record<string, unknown>>;
}

const goldenFile = new URL('../../../test/cli/testdata/ctl-golden.json', import.meta.url);
const etcdPort = 24_793;
const proxyPort = 24_795;
const endpoint = `127.0.0.1:${proxyPort}`;

if (process.env['REWRITE'] === '1') {
  describe('the control tool beside etcdctl', () => {
    it('is recorded', async function record() {
      if (etcdBinary === undefined || etcdctlBinary === undefined) {
        throw new Error('REWRITE=1 needs ETCD_BIN and ETCDCTL_BIN');
      }
      this.timeout(300_000);
      const etcd = await startEtcd(etcdBinary, etcdPort, proxyPort);
      const proxy = await startRecordingProxy(proxyPort, etcdPort);
      const goldens: Golden[] = [];
      let words: Words = {};
      for (const testCase of ctlCases) {
        proxy.cutAfter(testCase.cutAfter ?? Number.POSITIVE_INFINITY);
        const spelled = withWords(testCase, words);
        const outcome = comparable(await runEtcdctl(etcdctlBinary, proxyPort, spelled));
        // A command that was cut off leaves its streams a moment later.
        await new Promise((resume) => setTimeout(resume, 20));
        const recorded = proxy.take();
        goldens.push({ ...testCase, words: wordsOf(testCase, words), ...recorded, outcome });
        words = { ...words, ...learnWords(recorded.calls) };
      }
      await proxy.close();
      await etcd.stop();
      writeFileSync(goldenFile, `${JSON.stringify(goldens, null, 1)}\n`);
    });
  });
} else {
  const goldens = JSON.parse(readFileSync(goldenFile, 'utf8')) as readonly Golden[];
  describe('the control tool beside etcdctl', () => {
    it('was recorded with the commands that are listed', () => {
      const asked = (cases: readonly CtlCase[]): readonly string[] =>
        cases.map(({ args, stdin = '' }) => JSON.stringify([...args, stdin]));
      assert.deepEqual(asked(goldens), asked(ctlCases));
    });

    for (const golden of goldens) {
      const stdin = golden.stdin === undefined ? '' : ` < ${JSON.stringify(golden.stdin)}`;
      it(`${JSON.stringify(golden.args.join(' '))}${stdin}`, async () => {
        const replay = replayChannel(golden);
        const { args } = withWords(golden, golden.words);
        const outcome = await runOurs(
          { ...golden, args: [`--endpoints=${endpoint}`, ...args] },
          { openChannel: () => replay.channel, probe: () => Promise.resolve() },
        );
        assert.deepEqual(comparable(outcome), golden.outcome);
        assert.equal(replay.left(), 0, 'every recorded call is made');
      });
    }
  });
}

/** Answers the recorded calls in their order, each only to the very bytes that were recorded. */
function replayChannel({ calls, streams }: Recorded): {
  readonly channel: GrpcChannel;
  left(): number;
} {
  const waiting = [...calls];
  const streamsLeft = [...streams];
  const next = (path: string, request: Uint8Array): RecordedCall => {
    const call = waiting.shift();
    assert.ok(call !== undefined, `${path} is one call too many`);
    assert.equal(path, call.path);
    assert.equal(base64(request), call.request, `the request to ${path}`);
    return call;
  };
  return {
    left: () => waiting.length,
    channel: {
      unary: (path, request, _options, done) => {
        const { code, text, messages } = next(path, request);
        const [message] = messages;
        const decoded = message === undefined ? undefined : fromBase64(message);
        done({ status: { code, text }, message: decoded });
      },
      stream: (path, options, events) => {
        const at = streamsLeft.findIndex((stream) => stream.path === path);
        if (at >= 0 || path !== rangeStreamPath) {
          assert.deepEqual(options.metadata, { hasleader: 'true' });
          return replayStream(streamsLeft.splice(at, at < 0 ? 0 : 1)[0], events);
        }
        return {
          send: (request) => {
            const { code, text, messages } = next(path, request);
            for (const message of messages) events.onMessage(fromBase64(message));
            events.onEnd({ code, text });
            return true;
          },
          halfClose: () => undefined,
          pause: () => undefined,
          resume: () => undefined,
          cancel: () => undefined,
        };
      },
      close: () => undefined,
    },
  };
}

const rangeStreamPath = '/etcdserverpb.KV/RangeStream';

/** Answers what was recorded; to what was not, nothing (etcdctl may end before its first keep-alive). */
function replayStream(
  recorded: RecordedStream | undefined,
  events: ClientStreamEvents,
): ClientStream {
  const exchange = [...(recorded?.exchange ?? [])];
  let isOver = false;
  const end = (code: number, text: string): void => {
    if (!isOver) events.onEnd({ code, text });
    isOver = true;
  };
  const answer = (): void => {
    while (exchange[0]?.by === 'server') {
      events.onMessage(fromBase64(exchange.shift()?.message ?? ''));
    }
    const wasCutOff = recorded?.code === 1;
    if (recorded !== undefined && exchange.length === 0 && !wasCutOff) {
      end(recorded.code, recorded.text);
    }
  };
  return {
    send: (message) => {
      const sent = exchange.shift();
      if (sent === undefined) return true;
      assert.deepEqual({ by: 'client', message: base64(message) }, sent);
      queueMicrotask(answer);
      return true;
    },
    halfClose: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    cancel: () => end(1, 'context canceled'),
  };
}

/** What the words in capitals of later commands stand for. */
type Words = Readonly<Record<string, string>>;

function withWords<Case extends CtlCase>(testCase: Case, words: Words): Case {
  const args = testCase.args.map((arg) =>
    arg.replace(/LEASE|MEMBER|SELF|REVISION/, (name) => words[name] ?? name),
  );
  return { ...testCase, args };
}

function wordsOf({ args }: CtlCase, words: Words): Words {
  const used = Object.entries(words).filter(([name]) => args.some((arg) => arg.includes(name)));
  return Object.fromEntries(used);
}

function learnWords(calls: readonly RecordedCall[]): Words {
  const learned: Record<string, string> = {};
  for (const { path, request, messages } of calls) {
    const [message] = messages;
    if (message === undefined) continue;
    const encoded = fromBase64(message);
    if (path.endsWith('/LeaseGrant')) {
      learned['LEASE'] = LeaseGrantResponse.decode(encoded).id.toString(16);
    } else if (path.endsWith('/MemberAdd')) {
      learned['MEMBER'] = MemberAddResponse.decode(encoded).member?.id.toString(16) ?? '';
    } else if (path.endsWith('/Put') && PutRequest.decode(fromBase64(request)).value[0] === 0x31) {
      learned['REVISION'] = String(PutResponse.decode(encoded).header?.revision);
    } else if (path.endsWith('/Status')) {
      learned['SELF'] = StatusResponse.decode(encoded).header?.memberId.toString(16) ?? '';
    }
  }
  return learned;
}
