import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { launcherOf } from './program.ts';
import { etcdBinary, etcdctlBinary, runEtcdctl, startEtcd, type RealEtcd } from './real-etcd.ts';

/**
 * Commands that run until something ends them, as processes at a real etcd: etcdctl and ours go through the same
 * scenes, and have to tell the same. Ids of leases are the only thing in which they may differ.
 */

const port = 24_801;
const proxyPort = 24_803;

/** A command that is running. */
class Running {
  readonly child: ChildProcess;
  private text = '';
  private readonly exited: Promise<unknown[]>;

  constructor(tool: readonly string[], args: readonly string[], at = port) {
    const [program = '', ...first] = tool;
    this.child = spawn(program, [...first, `--endpoints=127.0.0.1:${at}`, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] },
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.text += chunk.toString()));
    }
    this.exited = once(this.child, 'close');
  }

  /** Without the lines that etcd's client logs, and with every lease id as `LEASE`. */
  get told(): string {
    return this.text.replace(/^\{"level".*\n/gm, '').replace(/\b[0-9a-f]{12,16}\b/g, 'LEASE');
  }

  type(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  async until(pattern: RegExp): Promise<void> {
    const endMs = performance.now() + 15_000;
    while (!pattern.test(this.told)) {
      assert.ok(performance.now() < endMs, `${String(pattern)} is not in: ${this.text}`);
      await new Promise((resume) => setTimeout(resume, 10));
    }
  }

  /** Sends the signal if one is given, and tells how the command ended. */
  async end(signal?: NodeJS.Signals): Promise<unknown> {
    if (signal !== undefined) this.child.kill(signal);
    const [code, killedBy] = await this.exited;
    return { told: this.told, code, killedBy };
  }
}

type Tool = readonly string[];
type Scene = (tool: Tool) => Promise<unknown>;

const ours: Tool = [process.execPath, launcherOf('etcdctl')];

const run = async (...args: readonly string[]): Promise<string> => {
  const { stdout } = await runEtcdctl(etcdctlBinary ?? '', port, { args });
  return Buffer.from(stdout).toString();
};

const keysBelow = async (prefix: string): Promise<number> =>
  (await run('get', '--prefix', prefix, '--keys-only')).split('\n').filter((key) => key !== '')
    .length;

const scenes: Readonly<Record<string, Scene>> = {
  'a lock is held until the interrupt, then given back': async (tool) => {
    const holder = new Running(tool, ['lock', 'held']);
    await holder.until(/held\/LEASE\n/);
    const between = await keysBelow('held/');
    return [between, await holder.end('SIGINT'), await keysBelow('held/')];
  },

  'who waits for a lock gets it when the holder goes': async (tool) => {
    const holder = new Running(tool, ['lock', 'queue']);
    await holder.until(/queue\/LEASE\n/);
    const waiter = new Running(tool, ['lock', 'queue', 'echo', 'mine']);
    while ((await keysBelow('queue/')) < 2);
    const before = waiter.told;
    const first = await holder.end('SIGTERM');
    return [before, first, await waiter.end(), await keysBelow('queue/')];
  },

  'who is interrupted while it waits leaves the queue': async (tool) => {
    const holder = new Running(tool, ['lock', 'left']);
    await holder.until(/left\/LEASE\n/);
    const waiter = new Running(tool, ['lock', 'left']);
    while ((await keysBelow('left/')) < 2);
    const ended = await waiter.end('SIGINT');
    return [ended, await keysBelow('left/'), await holder.end('SIGINT')];
  },

  'a lock whose lease is revoked is told to be lost': async (tool) => {
    const holder = new Running(tool, ['lock', 'lost', '--ttl=2']);
    await holder.until(/lost\/LEASE\n/);
    const [key = ''] = (await run('get', '--prefix', 'lost/', '--keys-only')).split('\n');
    await run('lease', 'revoke', key.slice('lost/'.length));
    return holder.end();
  },

  'one is elected after the other, and whoever listens hears of each': async (tool) => {
    const listener = new Running(tool, ['elect', '-l', 'race']);
    const first = new Running(tool, ['elect', 'race', 'one']);
    await first.until(/race\/LEASE\none\n/);
    await listener.until(/race\/LEASE\none\n/);
    const second = new Running(tool, ['elect', 'race', 'two']);
    while ((await keysBelow('race/')) < 2);
    const byAge = ['--sort-by=create', '--order=ascend', '--keys-only'];
    const [key = ''] = (await run('get', '--prefix', 'race/', ...byAge)).split('\n');
    await run('put', key, 'changed', '--ignore-lease');
    await listener.until(/changed\n/);
    const resigned = await first.end('SIGINT');
    await second.until(/race\/LEASE\ntwo\n/);
    await listener.until(/race\/LEASE\ntwo\n/);
    return [resigned, await second.end('SIGTERM'), await listener.end('SIGINT')];
  },

  'who is interrupted before it is elected is no candidate any more': async (tool) => {
    const first = new Running(tool, ['elect', 'early', 'one']);
    await first.until(/early\/LEASE\none\n/);
    const second = new Running(tool, ['elect', 'early', 'two']);
    while ((await keysBelow('early/')) < 2);
    const ended = await second.end('SIGINT');
    return [ended, await keysBelow('early/'), await first.end('SIGINT')];
  },

  'an interactive watch takes watches and asks for progress': async (tool) => {
    await run('put', 'i1', 'before');
    const [, revision] = /"revision":(\d+)/.exec(await run('get', 'i1', '-w', 'json')) ?? [];
    const watch = new Running(tool, ['watch', '-i']);
    watch.type(`watch i1 --rev ${revision}`);
    await watch.until(/before\n/);
    watch.type('nonsense');
    watch.type('');
    watch.type('watch i --prefix --prev-kv');
    await watch.until(/watch and progress supported/);
    // The second watch is there once both have told of progress.
    let put = 0;
    while (!/i2/.test(watch.told)) {
      if (put === 0) await new Promise((resume) => setTimeout(resume, 300));
      if (put++ === 0) await run('put', 'i2', 'both');
      await new Promise((resume) => setTimeout(resume, 20));
    }
    watch.type('progress');
    await watch.until(/progress notify: \d+\nprogress notify: \d+\n/);
    watch.child.stdin?.end();
    const told = (await watch.end()) as { readonly told: string };
    return { ...told, told: told.told.replace(/notify: \d+/g, 'notify: N') };
  },

  'a lease is kept alive until it is revoked': async (tool) => {
    const [, id = ''] = /lease (\w+)/.exec(await run('lease', 'grant', '3')) ?? [];
    const keeper = new Running(tool, ['lease', 'keep-alive', id]);
    await keeper.until(/(keepalived.*\n.*){2}/);
    await run('lease', 'revoke', id);
    return keeper.end();
  },
};

describe('commands that run on at a real etcd', () => {
  let etcd: RealEtcd | undefined;
  const running = new Set<Socket>();
  let proxy: Server | undefined;

  before(async function start() {
    // Without the binaries the recordings of ctl-golden.test.ts have to do.
    if (etcdBinary === undefined || etcdctlBinary === undefined) this.skip();
    this.timeout(30_000);
    etcd = await startEtcd(etcdBinary, port);
    proxy = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      for (const socket of [near, far]) {
        running.add(socket);
        socket.on('error', () => undefined);
      }
      near.pipe(far).pipe(near);
    });
    proxy.listen(proxyPort, '127.0.0.1');
    await once(proxy, 'listening');
  });

  after(async () => {
    for (const socket of running) socket.destroy();
    proxy?.close();
    await etcd?.stop();
  });

  for (const [name, scene] of Object.entries(scenes)) {
    it(name, async function compare() {
      this.timeout(60_000);
      const theirs = await scene([etcdctlBinary ?? '']);
      await run('del', '', '--from-key');
      assert.deepEqual(await scene(ours), theirs);
      await run('del', '', '--from-key');
    });
  }

  it('a watch goes on over broken connections, without a gap or a repeat', async function goOn() {
    this.timeout(60_000);
    const watch = new Running(ours, ['watch', 'n', '--prefix'], proxyPort);
    const expected: string[] = [];
    // The first is seen once the watch is there.
    for (let i = 0; !watch.told.includes('PUT'); i++) await run('put', 'n', `try ${i}`);
    for (let i = 0; i < 30; i++) {
      await run('put', `n${i}`, String(i));
      expected.push(`n${i}\n${i}\n`);
      if (i % 7 === 3) for (const socket of running) socket.destroy();
    }
    await watch.until(/n29\n29\n/);
    const { told } = (await watch.end('SIGKILL')) as { readonly told: string };
    const seen = told.split('PUT\n').filter((event) => /^n\d/.test(event));
    assert.deepEqual(seen, expected);
  });
});
