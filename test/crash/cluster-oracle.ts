import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defaultServerConfig, type ServerConfig } from '../../src/config/server-config.ts';
import { startServer, type RunningServer } from '../../src/embed/server.ts';
import { inspectDataDir } from '../../src/storage/data-dir-files.ts';
import { machineDisk } from '../../src/storage/machine-disk.ts';
import { RawClient } from '../members/client.ts';
import type { WireObject } from '../members/protocol.ts';
import { busyCheckpoints } from './checkpoints.ts';
import { ClientHistory } from './client-history.ts';
import { checkClient, mustAnswer } from './client-oracle.ts';
import type { JudgedImage, Judgement } from './life.ts';
import { judgementOf, Late, Lie, Refused } from './life.ts';

/**
 * A whole cluster that lost power: all members start on their images, and what a client had heard before must be
 * there, on every one of them. The places of an image (`cutAt`, `promisedAt`) are times here, in milliseconds.
 */

/** Where a member listens; its data dir tells it, so that two images cannot be started side by side. */
export interface Place {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

export interface ClusterPromises {
  readonly history: ClientHistory;
  readonly places: readonly Place[];
  /** Members that were removed. */
  readonly gone: readonly { readonly name: string; readonly askedMs: number }[];
  /** From here on `forced` is a cluster by itself. */
  readonly forcedMs: number;
  /** From here on the newcomer has a vote. */
  readonly joinedMs: number;
}

/** Times the image's `patience`. */
const readyTimeoutMs = 45_000;
const callTimeoutMs = 20_000;
const newcomer = 'd';
const forced = 'c';

/** `image.dataDir` has a folder for each member, by its name. */
export async function judgeCluster(
  promises: ClusterPromises,
  image: JudgedImage,
): Promise<Judgement> {
  const servers = new Map<string, RunningServer>();
  try {
    await startAll(promises, image, servers);
    await check(promises, image, inOrder(servers));
    return { outcome: 'booted' };
  } catch (error) {
    return judgementOf(error);
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  }
}

export function judgeClusterAgain(promises: object, image: JudgedImage): Promise<Judgement> {
  const kept = promises as ClusterPromises;
  return judgeCluster(
    { ...kept, history: Object.assign(new ClientHistory(), kept.history) },
    image,
  );
}

function namesOf(promises: ClusterPromises, { cutAt, dataDir }: JudgedImage): readonly string[] {
  if (cutAt >= promises.forcedMs) return [forced];
  const isGone = (name: string): boolean =>
    promises.gone.some((one) => one.name === name && one.askedMs <= cutAt);
  const hasData = (name: string): boolean =>
    existsSync(join(dataDir, name)) &&
    inspectDataDir(machineDisk.fs, join(dataDir, name)).kind !== 'empty';
  return (
    promises.places
      .map(({ name }) => name)
      .filter((name) => !isGone(name))
      // Who has not come in yet is not needed; whoever adds it again will find it empty.
      .filter((name) => name !== newcomer || cutAt >= promises.joinedMs || hasData(name))
  );
}

/** By name: the newcomer, who may be a learner and then answers no reads, comes last. */
function inOrder(
  servers: ReadonlyMap<string, RunningServer>,
): readonly (readonly [string, RunningServer])[] {
  return [...servers].sort(([one], [other]) => (one < other ? -1 : 1));
}

async function startAll(
  promises: ClusterPromises,
  image: JudgedImage,
  servers: Map<string, RunningServer>,
): Promise<void> {
  const names = namesOf(promises, image);
  const lines: string[] = [];
  const logger = {
    log: (level: string, message: string): void => void lines.push(`${level} ${message}`),
  };
  const start = async (name: string): Promise<void> => {
    const config = configOf(promises, image, name);
    const host = { logger, indexCheckpoint: busyCheckpoints };
    const server = await startServer(config, host).catch((error: Error) => {
      throw new Refused(`${name}: ${error.message}`, { cause: error });
    });
    servers.set(name, server);
    const ended = server.closed.then(
      () => Promise.reject(new Error(`${name} ended by itself`)),
      (error: Error) => Promise.reject(new Refused(`${name}: ${error.message}`, { cause: error })),
    );
    await Promise.race([server.ready, ended]);
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const told = (): string => lines.slice(-20).join('\n');
    const tell = (): void =>
      reject(new Late(`they do not serve in time; newest lines:\n${told()}`));
    timer = setTimeout(tell, readyTimeoutMs * image.patience);
  });
  const all = await Promise.race([Promise.allSettled(names.map(start)), late]).finally(() =>
    clearTimeout(timer),
  );
  for (const one of all) if (one.status === 'rejected') throw one.reason;
}

function configOf(
  { places, forcedMs }: ClusterPromises,
  { cutAt, dataDir }: JudgedImage,
  name: string,
): ServerConfig {
  const urlOf = (port: number): string => `http://127.0.0.1:${port}`;
  const place = places.find((one) => one.name === name) as Place;
  return {
    ...defaultServerConfig(),
    name,
    dataDir: join(dataDir, name),
    listenPeerUrls: [urlOf(place.peerPort)],
    listenClientUrls: ['http://127.0.0.1:0'],
    advertiseClientUrls: ['http://127.0.0.1:0'],
    initialAdvertisePeerUrls: [urlOf(place.peerPort)],
    initialCluster: places
      .filter((one) => one.name !== newcomer || name === newcomer)
      .map((one) => ({ name: one.name, peerUrl: urlOf(one.peerPort) })),
    initialClusterState: name === newcomer ? 'existing' : 'new',
    forceNewCluster: cutAt >= forcedMs,
    heartbeatIntervalMs: 50,
    electionTimeoutMs: 500,
    snapshotCatchupEntries: 20,
  };
}

async function check(
  { history }: ClusterPromises,
  image: JudgedImage,
  servers: readonly (readonly [string, RunningServer])[],
): Promise<void> {
  const clients = servers.map(
    ([name, { clientAddresses }]) => [name, new RawClient(clientAddresses[0] ?? '')] as const,
  );
  try {
    const [first] = clients;
    if (first !== undefined) await checkClient(first[1], history, image);
    await checkSame(clients, image.patience);
  } finally {
    for (const [, client] of clients) client.close();
  }
}

/** Every member, read through the quorum first, has the same hash at the same revision. */
async function checkSame(
  clients: readonly (readonly [string, RawClient])[],
  patience: number,
): Promise<void> {
  const deadline = { deadlineMs: callTimeoutMs * patience };
  let known: { readonly name: string; readonly hash: string } | undefined;
  let revision = 0;
  for (const [name, client] of clients) {
    const request = { key: Buffer.from('key-0') };
    const read = await client.call('KV.Range', request, deadline);
    // A learner answers no such read.
    if (!read.ok && /learner/.test(read.text)) continue;
    const header = mustAnswer(read, `Range at ${name}`)['header'] as WireObject;
    revision = revision === 0 ? Number(header['revision']) : revision;
    const answer = await client.call('Maintenance.HashKV', { revision }, deadline);
    const { hash, compact_revision: compactRevision } = mustAnswer(answer, `HashKV at ${name}`);
    const own = { name, hash: `${String(hash)} after ${String(compactRevision)}` };
    if (known !== undefined && known.hash !== own.hash) {
      throw new Lie(
        `at revision ${revision} the hash of ${known.name} is ${known.hash}, and that of ${name} ${own.hash}`,
      );
    }
    known ??= own;
  }
}
