import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CtlCase } from './ctl-cases.ts';
import type { CtlOutcome } from './ctl-run.ts';

/** Where real etcd and etcdctl 3.7 are, when the environment says so. */
export const etcdBinary = binaryNamed('ETCD_BIN');
export const etcdctlBinary = binaryNamed('ETCDCTL_BIN');

function binaryNamed(variable: string): string | undefined {
  const path = process.env[variable];
  if (path !== undefined && !existsSync(path)) throw new Error(`${variable}=${path} is not there`);
  return path;
}

export interface RealEtcd {
  readonly clientPort: number;
  stop(): Promise<void>;
}

/** Starts one member of a real etcd on loopback; `advertisedPort` is what its member list shows. */
export async function startEtcd(
  binary: string,
  clientPort: number,
  advertisedPort = clientPort,
): Promise<RealEtcd> {
  const dataDir = mkdtempSync(join(tmpdir(), 'quorate-real-etcd-'));
  const peer = `http://127.0.0.1:${clientPort + 1}`;
  const child = spawn(
    binary,
    [
      '--name=r1',
      `--data-dir=${dataDir}`,
      `--listen-client-urls=http://127.0.0.1:${clientPort}`,
      `--advertise-client-urls=http://127.0.0.1:${advertisedPort}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=r1=${peer}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env['PATH'] } },
  );
  await untilServing(child);
  return {
    clientPort,
    stop: async () => {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await exited;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function untilServing(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.once('exit', () => reject(new Error(`etcd ended:\n${log.slice(-2000)}`)));
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('ready to serve client requests')) resolve();
    });
  });
}

/** Runs one command of the real etcdctl against 127.0.0.1 at a port. */
export function runEtcdctl(binary: string, port: number, testCase: CtlCase): Promise<CtlOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, [`--endpoints=127.0.0.1:${port}`, ...testCase.args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] },
    });
    const out: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => void out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ exitCode: code ?? -1, stdout: Buffer.concat(out), stderr });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(testCase.stdin ?? '');
  });
}
