import { join } from 'node:path';
import { defaultServerConfig, type ServerConfig } from '../../src/config/server-config.ts';
import { startServer } from '../../src/embed/server.ts';
import { freePorts } from '../members/loopback.ts';
import { Member } from '../members/member.ts';
import { busyCheckpoints, checkpointing, threads } from './checkpoints.ts';
import { Late, Refused } from './life.ts';
import type { JudgedImage } from './life.ts';

/** A member of a cluster of one that has started on an image. */
export interface Booted {
  /** host:port. */
  readonly target: string;
  stop(): Promise<void>;
}

const name = 'a';
/** Nobody listens there: it is only where the member's id comes from. */
const peerUrl = 'http://127.0.0.1:23999';
/** Times the image's `patience`. */
const bootTimeoutMs = 30_000;

export const memberFlags = [
  '--heartbeat-interval=20',
  '--election-timeout=200',
  '--snapshot-catchup-entries=50',
  '--compaction-batch-limit=100',
] as const;

export function lonelyMember(dataDir: string, ports: readonly [number, number], env = {}): Member {
  return new Member({
    program: checkpointing,
    name,
    dataDir,
    logFile: `${dataDir}.log`,
    clientPort: ports[0],
    peerPort: ports[1],
    initialCluster: `${name}=${peerUrl}`,
    flags: [...memberFlags, `--initial-advertise-peer-urls=${peerUrl}`],
    environment: { ...threads, ...env },
  });
}

function configOf(dataDir: string): ServerConfig {
  return {
    ...defaultServerConfig(),
    name,
    dataDir,
    listenPeerUrls: ['http://127.0.0.1:0'],
    listenClientUrls: ['http://127.0.0.1:0'],
    advertiseClientUrls: ['http://127.0.0.1:0'],
    initialAdvertisePeerUrls: [peerUrl],
    initialCluster: [{ name, peerUrl }],
    heartbeatIntervalMs: 20,
    electionTimeoutMs: 200,
    snapshotCatchupEntries: 50,
    compactionBatchLimit: 100,
  };
}

/** @throws Refused when it says why it does not start. */
export function boot(
  dataDir: string,
  { asProcess, patience }: Pick<JudgedImage, 'asProcess' | 'patience'>,
): Promise<Booted> {
  return asProcess ? bootProcess(dataDir) : bootHere(dataDir, patience * bootTimeoutMs);
}

async function bootHere(dataDir: string, timeoutMs: number): Promise<Booted> {
  const lines: string[] = [];
  const logger = {
    log: (level: string, message: string): void => void lines.push(`${level} ${message}`),
  };
  const server = await startServer(configOf(dataDir), {
    logger,
    indexCheckpoint: busyCheckpoints,
  }).catch((error: Error) => {
    throw new Refused(error.message, { cause: error });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Late(`it does not serve in time; newest lines:\n${lines.slice(-20).join('\n')}`));
    }, timeoutMs);
  });
  try {
    const ended = server.closed.then(
      () => Promise.reject(new Error('it ended by itself')),
      (error: Error) => Promise.reject(new Refused(error.message, { cause: error })),
    );
    await Promise.race([server.ready, ended, late]);
  } finally {
    clearTimeout(timer);
  }
  return { target: server.clientAddresses[0] ?? '', stop: () => server.stop() };
}

async function bootProcess(dataDir: string): Promise<Booted> {
  const [clientPort = 0, peerPort = 0] = await freePorts(2);
  const member = lonelyMember(dataDir, [clientPort, peerPort]);
  member.launch();
  try {
    await member.ready();
  } catch (error) {
    if (!member.isRunning) throw new Refused(fatalLine(member.tail), { cause: error });
    await member.kill();
    throw new Late(String(error));
  }
  return { target: member.target, stop: () => member.kill() };
}

function fatalLine(output: string): string {
  const line = output.split('\n').findLast((text) => /"level":"fatal"|fatal|error/.test(text));
  return line ?? output.slice(-500);
}

export const dataDirOf = (folder: string): string => join(folder, 'member');
