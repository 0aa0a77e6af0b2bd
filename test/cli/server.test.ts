import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram, startProgram, type Program } from './program.ts';

const clientPort = 24_811;

/** What scripts that start etcd rely on, tried on the program as a process of its own. */
describe('the server command', function serverCommand() {
  this.timeout(40_000);
  let folder = '';
  let running: Program | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'quorate-server-'));
  });

  afterEach(async () => {
    running?.child.kill('SIGKILL');
    await running?.exited;
    running = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  const flags = (...more: readonly string[]): readonly string[] => [
    '--name=one',
    `--data-dir=${join(folder, 'one.etcd')}`,
    '--listen-client-urls',
    `http://127.0.0.1:${clientPort}`,
    `--advertise-client-urls=http://127.0.0.1:${clientPort}`,
    `--listen-peer-urls=http://127.0.0.1:${clientPort + 1}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${clientPort + 1}`,
    `--initial-cluster=one=http://127.0.0.1:${clientPort + 1}`,
    ...more,
  ];

  it("prints etcd's version line", async () => {
    for (const [name, args] of [
      ['etcd', ['--version']],
      ['quorate', ['server', '--version']],
    ] as const) {
      const { code, stdout } = await runProgram(name, args);
      assert.equal(code, 0);
      assert.match(stdout, /^etcd Version: 3\.7\.3\n/);
    }
    assert.equal(
      (await runProgram('etcdctl', ['version'])).stdout,
      'etcdctl version: 3.7.3\nAPI version: 3.7\n',
    );
    assert.match(
      (await runProgram('quorate', ['version'])).stdout,
      /^quorate Version: \d+\.\d+\.\d+\netcd Version: 3\.7\.3\n$/,
    );
  });

  it('shows its help', async () => {
    const { code, stdout } = await runProgram('etcd', ['--help']);
    assert.equal(code, 0);
    assert.match(stdout, /--listen-client-urls 'http:\/\/localhost:2379'/);
  });

  it('ends with code 2 and a suggestion at an unknown flag', async () => {
    const { code, stdout, stderr } = await runProgram('etcd', [
      '--listen-clients-urls=http://127.0.0.1:1',
    ]);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.equal(
      stderr,
      'flag provided but not defined: -listen-clients-urls\n' +
        'did you mean --listen-client-urls?\nUsage: etcd [flags], see --help\n',
    );
  });

  it('ends with code 1 and one log line for each option that it refuses', async () => {
    const refused = flags('--cors=http://a', '--cert-file=a.pem');
    const { code, stderr } = await runProgram('etcd', refused);
    assert.equal(code, 1);
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, string>>);
    assert.deepEqual(
      lines.map(({ level, error }) => [level, error]),
      [
        ['fatal', '--cors is refused'],
        ['fatal', '--cert-file is refused'],
      ],
    );
    assert.match(lines[0]?.['remedy'] ?? '', /limiting origins is not built/);
    assert.match(lines[1]?.['remedy'] ?? '', /TLS is not built/);
    assert.ok(!existsSync(join(folder, 'one.etcd')), 'nothing was written');
  });

  it('serves with only PATH in its environment, and stops at SIGTERM', async () => {
    running = startProgram('etcd', flags('--enable-pprof'));
    await running.until(/ready to serve client requests/);
    const lines = running.stderr().trimEnd().split('\n');
    for (const line of lines) {
      const logged = JSON.parse(line) as Readonly<Record<string, string>>;
      assert.deepEqual(Object.keys(logged).slice(0, 4), ['level', 'ts', 'caller', 'msg']);
      assert.ok(['info', 'warn'].includes(logged['level'] ?? ''), line);
    }
    assert.match(running.stderr(), /"level":"warn".*"option":"--enable-pprof"/);
    const endpoints = `--endpoints=127.0.0.1:${clientPort}`;
    assert.equal((await runProgram('etcdctl', [endpoints, 'put', 'a', '1'])).stdout, 'OK\n');
    assert.equal((await runProgram('quorate', ['ctl', endpoints, 'get', 'a'])).stdout, 'a\n1\n');
    running.child.kill('SIGTERM');
    assert.deepEqual(await running.exited, { code: 0, signal: null });
  });

  it('gives LevelDB sixteen threads', async function threads() {
    if (process.platform !== 'linux') this.skip();
    running = startProgram('etcd', flags());
    await running.until(/ready to serve client requests/);
    const count = readdirSync(`/proc/${running.pid}/task`).length;
    assert.ok(count >= 17, `${count} threads`);
  });

  it('tells systemd when it is ready', async () => {
    const told = join(folder, 'told');
    const tool = join(folder, 'systemd-notify');
    writeFileSync(tool, `#!/bin/sh\necho "$@" > ${told}\n`, { mode: 0o755 });
    const environment = {
      NOTIFY_SOCKET: '/nowhere',
      PATH: `${folder}:${process.env['PATH'] ?? ''}`,
    };
    running = startProgram('etcd', flags(), { environment });
    await running.until(/ready to serve client requests/);
    for (let i = 0; i < 100 && !existsSync(told); i++) {
      await new Promise((resume) => setTimeout(resume, 50));
    }
    running.child.kill('SIGTERM');
    await running.exited;
    assert.equal(readFileSync(told, 'utf8'), `--ready --pid=${running.pid}\n`);
  });

  it('writes its log where it is told, in the format it is told', async () => {
    const file = join(folder, 'member.log');
    running = startProgram('etcd', flags(`--log-outputs=${file},stdout`, '--log-format=console'));
    await running.until(/ready to serve client requests/);
    assert.equal(running.stderr(), '');
    assert.match(
      readFileSync(file, 'utf8'),
      /^\S+Z\tinfo\t\S+:\d+\tready to serve client requests/m,
    );
  });

  it('takes everything from variables as well', async () => {
    const environment = Object.fromEntries(
      flags()
        .join(' ')
        .replace('--listen-client-urls ', '--listen-client-urls=')
        .split(' ')
        .map((flag) => {
          const [, name = '', value = ''] = /^--([^=]+)=(.*)$/.exec(flag) ?? [];
          return [`ETCD_${name.toUpperCase().replaceAll('-', '_')}`, value];
        }),
    );
    running = startProgram('etcd', [], { environment, cwd: folder });
    await running.until(/ready to serve client requests/);
  });

  it('says which port is taken, and ends with code 1', async () => {
    const blocker = createServer().listen(clientPort, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const { code, stderr } = await runProgram('etcd', flags());
    await new Promise((resolve) => blocker.close(resolve));
    assert.equal(code, 1);
    const last = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '') as Readonly<
      Record<string, string>
    >;
    assert.equal(last['level'], 'fatal');
    assert.match(last['error'] ?? '', new RegExp(`${clientPort}.*address already in use`));
  });

  it('does not know other commands', async () => {
    const { code, stderr } = await runProgram('quorate', ['serve']);
    assert.equal(code, 1);
    assert.match(stderr, /^Error: unknown command "serve" for "quorate"\n/);
  });
});
