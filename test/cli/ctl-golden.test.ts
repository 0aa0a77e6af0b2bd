import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { base64, fromBase64 } from '../../src/base/bytes.ts';
import type { GrpcChannel } from '../../src/grpc/types.ts';
import { ctlCases, type CtlCase } from './ctl-cases.ts';
import { comparable, runOurs } from './ctl-run.ts';
import { etcdBinary, etcdctlBinary, runEtcdctl, startEtcd } from './real-etcd.ts';
import { startRecordingProxy, type RecordedCall } from './recording-proxy.ts';

/**
 * Every command, as the real etcdctl 3.7.3 ran it against a real etcd 3.7.3: what it sent, what came back, and what it
 * printed. Ours has to send the same bytes, and, given the same answers, print the same. To record anew:
 * REWRITE=1 ETCD_BIN=... ETCDCTL_BIN=... npx mocha dist/test/cli/ctl-golden.test.js
 */
interface Golden {
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly calls: readonly RecordedCall[];
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
      for (const testCase of ctlCases) {
        const outcome = comparable(await runEtcdctl(etcdctlBinary, proxyPort, testCase));
        goldens.push({ ...testCase, calls: proxy.take(), outcome });
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
        const replay = replayChannel(golden.calls);
        const outcome = await runOurs(
          { ...golden, args: [`--endpoints=${endpoint}`, ...golden.args] },
          { openChannel: () => replay.channel, probe: () => Promise.resolve() },
        );
        assert.deepEqual(comparable(outcome), golden.outcome);
        assert.equal(replay.left(), 0, 'every recorded call is made');
      });
    }
  });
}

/** Answers the recorded calls in their order, each only to the very bytes that were recorded. */
function replayChannel(calls: readonly RecordedCall[]): {
  readonly channel: GrpcChannel;
  left(): number;
} {
  const waiting = [...calls];
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
      stream: (path, _options, events) => ({
        send: (request) => {
          const { code, text, messages } = next(path, request);
          for (const message of messages) events.onMessage(fromBase64(message));
          events.onEnd({ code, text });
          return true;
        },
        halfClose: () => undefined,
        cancel: () => undefined,
      }),
      close: () => undefined,
    },
  };
}
