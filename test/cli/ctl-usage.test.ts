import assert from 'node:assert/strict';
import type { GrpcChannel } from '../../src/grpc/types.ts';
import { RangeResponse } from '../../src/wire/kv.ts';
import { runOurs, type CtlOutcome, type CtlRunOptions } from './ctl-run.ts';

/** A server that answers every call alike, and says to whom it was reached. */
function answering(
  code: number,
  text: string,
): CtlRunOptions & { readonly opened: readonly string[]; readonly timeouts: readonly number[] } {
  const opened: string[] = [];
  const timeouts: number[] = [];
  const channel: GrpcChannel = {
    unary: (_path, _request, { timeoutMs }, done) => {
      timeouts.push(timeoutMs ?? 0);
      done({ status: { code, text }, message: code === 0 ? RangeResponse.encode({}) : undefined });
    },
    stream: () => {
      throw new Error('no stream is expected');
    },
    close: () => undefined,
  };
  return {
    opened,
    timeouts,
    openChannel: (address) => {
      opened.push(address);
      return channel;
    },
    probe: () => Promise.resolve(),
  };
}

const stdoutOf = ({ stdout }: CtlOutcome): string => Buffer.from(stdout).toString();

function run(options: CtlRunOptions, ...args: readonly string[]): Promise<CtlOutcome> {
  return runOurs({ args }, options);
}

describe('the control tool', () => {
  it('takes flags from ETCDCTL_* where they are not given', async () => {
    const server = answering(0, '');
    const environment = {
      ETCDCTL_ENDPOINTS: 'http://h1:1',
      ETCDCTL_API: '3',
      ETCDCTL_WRITE_OUT: 'json',
    };
    assert.equal(stdoutOf(await run({ ...server, environment }, 'get', 'a')), '{}\n');
    await run({ ...server, environment }, 'get', 'a', '--endpoints=h2:2');
    assert.deepEqual(server.opened, ['h1:1', 'h2:2']);
  });

  it('warns of a variable that it does not know, and refuses one that does not fit', async () => {
    const unknown = { ETCDCTL_ENDPOINT: 'h:1' };
    const warned = await run({ ...answering(0, ''), environment: unknown }, 'get', 'a');
    assert.match(warned.stderr, /unrecognized environment variable ETCDCTL_ENDPOINT\n/);
    const bad = await run({ ...answering(0, ''), environment: { ETCDCTL_HEX: 'x' } }, 'get', 'a');
    assert.equal(bad.exitCode, 1);
    assert.match(bad.stderr, /^Error: invalid argument "x" for "--hex" flag/);
  });

  it('takes endpoints bare, as URLs and as sockets', async () => {
    const server = answering(0, '');
    for (const endpoint of ['h:1', 'http://h:2', 'h', 'unix:///run/a.sock', '[::1]:3']) {
      await run(server, `--endpoints=${endpoint}`, 'get', 'a');
    }
    assert.deepEqual(server.opened, ['h:1', 'h:2', 'h:2379', 'unix:///run/a.sock', '[::1]:3']);
  });

  it('passes over a comma too many', async () => {
    const server = answering(0, '');
    assert.equal((await run(server, '--endpoints=h:1,', 'get', 'a')).exitCode, 0);
    await run(server, '--endpoints=,h:2', 'endpoint', 'health');
    assert.deepEqual(server.opened, ['h:1', 'h:2']);
    const none = await run(server, '--endpoints=,', 'get', 'a');
    assert.equal(none.exitCode, 2);
    assert.equal(none.stderr, 'Error: etcdclient: no available endpoints\n');
  });

  it('refuses what it cannot guard', async () => {
    const tls = await run(answering(0, ''), '--endpoints=https://h:1', 'get', 'a');
    assert.equal(tls.exitCode, 128);
    assert.match(tls.stderr, /^Error: endpoint https:\/\/h:1 needs TLS, which is not built\n$/);
    for (const flag of [
      '--cert=a',
      '--key=a',
      '--cacert=a',
      '--user=a:b',
      '--insecure-transport=false',
    ]) {
      const refused = await run(answering(0, ''), flag, 'get', 'a');
      assert.equal(refused.exitCode, 128, flag);
      assert.match(refused.stderr, /is refused/);
    }
  });

  it('gives a call the time of --command-timeout', async () => {
    const server = answering(0, '');
    await run(server, 'get', 'a', '--command-timeout=300ms');
    const [timeoutMs = 0] = server.timeouts;
    assert.ok(timeoutMs > 100 && timeoutMs <= 300, String(timeoutMs));
  });

  it('says where it could not connect', async () => {
    const options: CtlRunOptions = {
      ...answering(0, ''),
      probe: (address) => Promise.reject(new Error(`refused by ${address}`)),
    };
    const failed = await run(
      options,
      '--endpoints=h1:1,h2:2',
      '--command-timeout=150ms',
      'get',
      'a',
    );
    assert.equal(failed.exitCode, 1);
    assert.equal(
      failed.stderr,
      'Could not connect: h1:1: refused by h1:1; h2:2: refused by h2:2\nError: context deadline exceeded\n',
    );
  });

  it("shows errors that are not etcd's with their code", async () => {
    const failed = await run(answering(12, 'unknown method X'), 'get', 'a');
    assert.equal(failed.stderr, 'Error: rpc error: code = Unimplemented desc = unknown method X\n');
    assert.equal(failed.exitCode, 1);
  });

  it('waits two seconds before it deletes a range, unless told not to', async () => {
    const slept: number[] = [];
    const options = { ...answering(0, ''), onSleep: (ms: number) => void slept.push(ms) };
    const { stderr } = await run(options, 'del', 'a', 'b');
    assert.match(stderr, /^Warning: Keys between "a" and "b" will be deleted\./);
    assert.deepEqual(slept, [2000]);
    await run(options, 'del', 'a', 'b', '--range');
    assert.deepEqual(slept, [2000]);
  });

  it('shows help for itself, for a group and for a command', async () => {
    for (const args of [
      [],
      ['help'],
      ['--help'],
      ['endpoint'],
      ['get', '--help'],
      ['help', 'get'],
      ['options'],
    ]) {
      const shown = await run(answering(0, ''), ...args);
      assert.equal(shown.exitCode, 0, args.join(' '));
      assert.notEqual(stdoutOf(shown), '');
      assert.equal(shown.stderr, '');
    }
    const help = stdoutOf(await run(answering(0, ''), 'get', '--help'));
    assert.match(help, /--print-value-only/);
  });

  it("shows a group's own help for the group alone", async () => {
    const groups: readonly (readonly [string, readonly string[]])[] = [
      ['endpoint', ['endpoint health', 'endpoint status', 'endpoint hashkv']],
      ['member', ['member add', 'member remove', 'member update', 'member promote', 'member list']],
      ['alarm', ['alarm disarm', 'alarm list']],
    ];
    for (const [group, names] of groups) {
      const help = stdoutOf(await run(answering(0, ''), group));
      assert.match(help, new RegExp(`^Usage:\n  etcdctl ${group} \\[command\\]`));
      const listed = [...help.matchAll(/^ {2}(?!etcdctl)(\w+ \w+) /gm)].map(([, name]) => name);
      assert.deepEqual(listed, names);
    }
  });

  it('says of a command of etcdctl that it is not built, and where etcdctl itself helps', async () => {
    const said = async (...args: readonly string[]): Promise<string> => {
      const { exitCode, stdout, stderr } = await run(answering(0, ''), ...args);
      assert.deepEqual([exitCode, stdout.length], [1, 0], args.join(' '));
      return stderr;
    };
    for (const name of ['auth', 'user', 'role', 'snapshot', 'downgrade', 'make-mirror']) {
      assert.equal(await said(name, 'a'), `Error: ${name} is not built yet\n`);
    }
    for (const name of ['check', 'completion']) {
      assert.equal(await said(name), `Error: ${name} is not built yet: etcdctl's works\n`);
    }
  });
});
