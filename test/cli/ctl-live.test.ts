import assert from 'node:assert/strict';
import { overGrpcJs } from '../../src/client/connect.ts';
import { ctlCases, type CtlCase } from './ctl-cases.ts';
import { comparable, runOurs } from './ctl-run.ts';
import { etcdBinary, etcdctlBinary, runEtcdctl, startEtcd, type RealEtcd } from './real-etcd.ts';

/** Commands that leave the store as it is, so that both tools can run them one after the other. */
const readOnly = ctlCases.filter(
  ({ args: [verb = '', noun = ''] }) =>
    ['get', 'endpoint', 'mem', 'end'].includes(verb) || `${verb} ${noun}` === 'member list',
);

const seed: readonly CtlCase[] = [
  { args: ['put', 'a', '1'] },
  { args: ['put', 'control', 'tab\tquote"'] },
  { args: ['put', 'umlaut', '\u00fc'] },
  { args: ['put', 'a', '2'] },
];

const port = 24_797;

describe('the control tool at a real etcd', () => {
  let etcd: RealEtcd | undefined;

  before(async function start() {
    if (etcdBinary === undefined || etcdctlBinary === undefined) {
      // Without the binaries the recordings of ctl-golden.test.ts have to do.
      this.skip();
    }
    etcd = await startEtcd(etcdBinary, port);
    for (const testCase of seed) await runEtcdctl(etcdctlBinary, port, testCase);
  });

  after(async () => {
    await etcd?.stop();
  });

  it('prints what etcdctl prints', async function compare() {
    this.timeout(60_000);
    for (const testCase of readOnly) {
      const theirs = await runEtcdctl(etcdctlBinary ?? '', port, testCase);
      const ours = await runOurs(
        { ...testCase, args: [`--endpoints=127.0.0.1:${port}`, ...testCase.args] },
        overGrpcJs,
      );
      assert.deepEqual(comparable(ours), comparable(theirs), testCase.args.join(' '));
    }
  });
});
