import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { grpcCaller } from '../caller.ts';
import {
  comparable,
  encodeTranscript,
  goldenFile,
  loadTranscript,
  type RecordedStep,
} from './transcript.ts';
import { scenarios } from './scenarios.ts';
import type { Scenario } from './scenario.ts';

/**
 * Records the transcripts beside this file from a real etcd: `node dist/test/api/golden/record.js /path/to/etcd`.
 * Each scenario gets a fresh member of its own, on loopback and in a temporary folder. With `--check` in front
 * nothing is written: whatever program is named, the launcher of our own server too, must answer as recorded.
 */
const parameters = process.argv.slice(2);
const isCheck = parameters[0] === '--check';
const [etcd, ...only] = isCheck ? parameters.slice(1) : parameters;
if (etcd === undefined) throw new Error('usage: record.js [--check] /path/to/etcd [scenario ...]');
for (const scenario of scenarios) {
  if (only.length > 0 && !only.includes(scenario.name)) continue;
  const steps = await recordOn(etcd, scenario);
  if (isCheck) mustEqualRecorded(scenario.name, steps);
  else writeFileSync(goldenFile(scenario.name), encodeTranscript(scenario.name, steps));
  process.stdout.write(`${scenario.name}: ${steps.length} calls\n`);
}

function mustEqualRecorded(name: string, steps: readonly RecordedStep[]): void {
  const recorded = loadTranscript(name);
  assert.equal(steps.length, recorded.length, `${name} has changed: record it again`);
  for (const [i, { step, answer }] of recorded.entries()) {
    const actual = steps[i]?.answer ?? { code: -1, text: '', messages: [] };
    const what = `${name}: ${step.name}`;
    assert.deepEqual(comparable(step.path, actual), comparable(step.path, answer), what);
  }
}

async function recordOn(binary: string, { steps }: Scenario): Promise<RecordedStep[]> {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'));
  const [client, peer] = [await freePort(), await freePort()];
  const member = startEtcd(binary, folder, client, peer);
  const caller = grpcCaller(`127.0.0.1:${client}`);
  try {
    await untilHealthy(client, member);
    const recorded: RecordedStep[] = [];
    for (const step of steps) recorded.push({ step, answer: await caller.call(step) });
    return recorded;
  } finally {
    caller.close();
    member.kill('SIGKILL');
    await once(member, 'exit');
    rmSync(folder, { recursive: true });
  }
}

function startEtcd(binary: string, folder: string, client: number, peer: number): ChildProcess {
  const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  const flags = {
    name: 'golden',
    'data-dir': folder,
    'listen-client-urls': clientUrl,
    'advertise-client-urls': clientUrl,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `golden=${peerUrl}`,
    'log-level': 'error',
  };
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  return spawn(binary, args, { stdio: 'ignore' });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Until the member has a leader and, in etcd, the cluster its version. */
async function untilHealthy(port: number, member: ChildProcess): Promise<void> {
  const bodyOf = async (path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  for (let attempt = 0; attempt < 100; attempt++) {
    if (member.exitCode !== null) throw new Error('the program ended by itself');
    const bodies = await Promise.all([bodyOf('/health'), bodyOf('/version')]).catch(() => []);
    const [health = '', version = ''] = bodies;
    if (health.includes('"true"') && version.includes('"etcdcluster":"3.')) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the program did not become healthy within 10 s');
}
