import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram, startProgram, type Program } from './program.ts';

const portOffset = 3211;
const endpoints = [2379, 22_379, 32_379].map((port) => `127.0.0.1:${port + portOffset}`).join(',');
const ctl = (...args: readonly string[]): ReturnType<typeof runProgram> =>
  runProgram('etcdctl', [`--endpoints=${endpoints}`, ...args]);

/** The cluster that `npm start` brings up, as someone at a terminal sees it. */
describe('the loopback cluster', function loopbackCluster() {
  this.timeout(120_000);
  let folder = '';
  let dev: Program | undefined;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'quorate-dev-'));
  });

  afterEach(async () => {
    dev?.child.kill('SIGTERM');
    await dev?.exited;
    dev = undefined;
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (...args: readonly string[]): Program => {
    dev = startProgram('quorate', [
      'dev',
      `--port-offset=${portOffset}`,
      `--data=${folder}`,
      ...args,
    ]);
    return dev;
  };
  const leadLine = /ready: (m\d) leads in term \d+/;
  const pidOf = (cluster: Program, name: string): number =>
    Number(new RegExp(`${name}  pid (\\d+)`).exec(cluster.stdout())?.[1]);

  it('says who leads, survives the death of the leader, and tells how to bring it back', async () => {
    const cluster = start();
    const [, leader = ''] = await cluster.until(leadLine, 40_000);
    assert.match(cluster.stdout(), /m1 {2}pid \d+ .*http:\/\/127\.0\.0\.1:5590/);
    await cluster.until(/ ctl --endpoints=127\.0\.0\.1:5590 put greeting hello\n/);
    assert.equal((await ctl('put', 'kept', '1')).stdout, 'OK\n');

    process.kill(pidOf(cluster, leader), 'SIGKILL');
    await cluster.until(new RegExp(`${leader} is gone: killed by SIGKILL`));
    await cluster.until(new RegExp(`(?!${leader})m\\d leads in term \\d+ now`));
    const others = endpoints.split(',').filter((_, i) => `m${i + 1}` !== leader);
    const got = await runProgram('etcdctl', [`--endpoints=${others.join(',')}`, 'get', 'kept']);
    assert.equal(got.stdout, 'kept\n1\n');

    const [, command = ''] = await cluster.until(/bring it back, .*with:\n {2}(node .*)\n/);
    const back = spawn('/bin/sh', ['-c', `exec ${command}`], { stdio: 'ignore', cwd: '/' });
    await cluster.until(new RegExp(`${leader} (answers again: follower|follows again)`), 30_000);
    const exited = new Promise((resolve) => back.once('exit', resolve));
    back.kill('SIGTERM');
    await exited;
  });

  it('keeps its data from one start to the next, until --reset', async () => {
    const again = start();
    await again.until(leadLine, 40_000);
    assert.equal((await ctl('get', 'kept')).stdout, 'kept\n1\n');
    again.child.kill('SIGINT');
    assert.deepEqual(await again.exited, { code: 0, signal: null });
    assert.match(
      again.stdout(),
      /Stopping all members.*\n.*have stopped; their data is kept\.\n$/s,
    );

    const afresh = start('--reset');
    await afresh.until(leadLine, 40_000);
    assert.equal((await ctl('get', 'kept')).stdout, '');
  });

  it('stops its members when it is killed itself', async () => {
    const cluster = start();
    await cluster.until(leadLine, 40_000);
    const pids = ['m1', 'm2', 'm3'].map((name) => pidOf(cluster, name));
    cluster.child.kill('SIGKILL');
    await cluster.exited;
    const deadlineMs = performance.now() + 10_000;
    while (pids.some(isAlive) && performance.now() < deadlineMs) {
      await new Promise((resume) => setTimeout(resume, 100));
    }
    assert.deepEqual(pids.filter(isAlive), []);
  });

  it('starts nothing where a port is taken', async () => {
    const port = 22_380 + portOffset;
    const blocker = createServer().listen(port, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const elsewhere = join(folder, 'elsewhere');
    const { code, stdout, stderr } = await runProgram('quorate', [
      'dev',
      `--port-offset=${portOffset}`,
      `--data=${elsewhere}`,
      '--reset',
    ]);
    await new Promise((resolve) => blocker.close(resolve));
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      new RegExp(`^Error: port ${port} is taken, .*perhaps by m2 .*nothing was started\n$`),
    );
    assert.ok(!existsSync(elsewhere));
  });

  it('says why a member could not go on', async () => {
    const damaged = join(folder, 'm2', 'unknown-file');
    mkdirSync(join(folder, 'm2'), { recursive: true });
    writeFileSync(damaged, 'x');
    const cluster = start();
    await cluster.until(/m2 is gone: it ended with exit code 1\n {2}\S.*unknown-file/, 40_000);
    await cluster.until(/bring it back, .*with:\n {2}node .* --name=m2 /);
    rmSync(damaged);
  });

  it('is ready without a member that the others refuse for its new data dir', async () => {
    const whole = start();
    await whole.until(leadLine, 40_000);
    whole.child.kill('SIGINT');
    await whole.exited;
    rmSync(join(folder, 'm2'), { recursive: true });

    const cluster = start();
    const readyLine = /ready: m[13] leads in term \d+; m2 is down\n[^]*Ctrl-C/;
    const [told] = await cluster.until(readyLine, 40_000);
    const up = '127.0.0.1:5590,127.0.0.1:35590';
    assert.match(told, new RegExp(`ctl --endpoints=${up} endpoint status`));
    // With two of three nobody could take over.
    assert.doesNotMatch(told, /kill -9/);
    const refused = 'has another data dir|has already been bootstrapped';
    assert.match(cluster.stdout(), new RegExp(`m2 is gone: .*\\n {2}.*(${refused})`));
    assert.match(cluster.stdout(), /cannot rejoin under its old id.*\n.*npm start -- --reset/);
    assert.doesNotMatch(cluster.stdout(), /bring it back/);

    cluster.child.kill('SIGINT');
    assert.deepEqual(await cluster.exited, { code: 0, signal: null });
  });

  it('is ready without a member that does not answer, and tells when it stopped badly', async () => {
    const cluster = start('--reset');
    await cluster.until(/m3 {2}pid \d+/);
    const silent = pidOf(cluster, 'm3');
    process.kill(silent, 'SIGSTOP');
    try {
      await cluster.until(/ready: m[12] leads in term \d+; m3 does not answer\n/, 40_000);
      cluster.child.kill('SIGINT');
      await cluster.until(/Stopping all members/);
    } finally {
      // A stopped process would hold up the cluster, and the tests with it, for ever.
      process.kill(silent, 'SIGKILL');
    }
    assert.deepEqual(await cluster.exited, { code: 1, signal: null });
    assert.match(cluster.stdout(), /m3 did not stop well: killed by SIGKILL\n/);
    assert.doesNotMatch(cluster.stdout(), /is gone|bring it back/);
  });

  it('refuses options that it does not have', async () => {
    for (const args of [
      ['dev', '--rest'],
      ['dev', '--port-offset=x'],
      ['dev', '--port-offset=40000'],
    ]) {
      const { code, stderr } = await runProgram('quorate', args);
      assert.equal(code, 1);
      assert.match(stderr, /^Error: .*\nUsage: quorate dev/);
    }
    assert.match((await runProgram('quorate', ['dev', '--help'])).stdout, /^Usage: quorate dev/);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
