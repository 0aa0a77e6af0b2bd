import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrapCluster, type Bootstrap } from '../../src/embed/bootstrap.ts';
import { describeProvenLoss } from '../../src/embed/data-dir.ts';
import { systemScheduler } from '../../src/host/scheduler.ts';
import { inspectDataDir } from '../../src/storage/data-dir-files.ts';
import { openDataDir } from '../../src/storage/data-dir-open.ts';
import { machineDisk } from '../../src/storage/machine-disk.ts';
import type { DataDir } from '../../src/storage/types.ts';
import { freePorts } from '../members/loopback.ts';
import { Member } from '../members/member.ts';
import { quorate } from '../members/programs.ts';
import { RealMember } from '../peer/real-member.ts';
import { dataDirOf } from './booted.ts';
import { FakeLeader } from './fake-leader.ts';
import type { JudgedImage, Judgement, Life, LifeOptions } from './life.ts';
import { Lie } from './life.ts';
import { PeerHistory } from './peer-history.ts';
import { mendTrace } from './power-loss.ts';
import { shimEnvironment } from './shim/build.ts';
import { traceLength } from './trace-reader.ts';

/** A follower of three: what it acknowledges to its leaders, and whom it votes for. */

const name = 'a';
const steps = 160;
const stepsPerStart = 50;
/** Once, between two kills, LevelDB's write buffer overflows: it begins a new log file. */
const floodStep = 70;
const token = 'etcd-cluster';

interface Trio {
  readonly bootstrap: Bootstrap;
  readonly peers: readonly RealMember[];
  readonly member: (dataDir: string, environment: Readonly<Record<string, string>>) => Member;
}

/** The follower's process is to be started; the other two are this process. */
async function gather(): Promise<Trio> {
  const [clientPort = 0, peerPort = 0, second = 0, third = 0] = await freePorts(4);
  const urlOf = (port: number): string => `http://127.0.0.1:${port}`;
  const initialCluster = [
    { name, peerUrl: urlOf(peerPort) },
    { name: 'b', peerUrl: urlOf(second) },
    { name: 'c', peerUrl: urlOf(third) },
  ];
  const bootstrap = bootstrapCluster(name, initialCluster, token);
  const { clusterId } = bootstrap;
  const start = (peer: string, port: number): Promise<RealMember> => {
    const { memberId } = bootstrapCluster(peer, initialCluster, token);
    const identity = { clusterId, memberId, incarnation: BigInt(port) };
    return RealMember.start(memberId, { identity, address: `127.0.0.1:${port}` });
  };
  const peers = [await start('b', second), await start('c', third)];
  const { memberId } = bootstrap;
  const follower = { memberId, peerUrls: [urlOf(peerPort)], incarnation: undefined };
  for (const peer of peers) {
    peer.transport.setPeers([...peers.map((other) => other.peerAddress), follower]);
  }
  return {
    bootstrap,
    peers,
    member: (dataDir, environment) =>
      new Member({
        program: quorate,
        name,
        dataDir,
        logFile: `${dataDir}.log`,
        clientPort,
        peerPort,
        initialCluster: initialCluster.map((one) => `${one.name}=${one.peerUrl}`).join(','),
        // It never stands itself: the script is all that happens.
        flags: [
          '--heartbeat-interval=1000',
          '--election-timeout=50000',
          '--snapshot-catchup-entries=20',
        ],
        environment,
      }),
  };
}

export async function liveWithPeers(options: LifeOptions): Promise<Life> {
  const { folder, shim, faults, random } = options;
  const dataDir = dataDirOf(folder);
  const trace = join(folder, 'trace');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'faults'), faults);
  writeFileSync(trace, '');
  const env = shimEnvironment(shim, { dataDir, trace, faults: join(folder, 'faults') });
  const { bootstrap, peers, member: memberOf } = await gather();
  const member = memberOf(dataDir, env);
  const leader = new FakeLeader({ peers, bootstrap, random, now: () => traceLength(trace) });
  try {
    member.launch();
    await leader.linked();
    await leader.elect();
    for (let step = 0; step < steps; step++) {
      if (step === floodStep) await leader.flood();
      const luck = random.below(20);
      if (luck === 0) await leader.elect();
      else if (luck === 1) await leader.follow();
      else if (luck === 2) await leader.replace();
      else if (luck < 6) await leader.commit();
      else
        for (let left = 1 + random.below(4); left > 0; left--) leader.append(1 + random.below(8));
      if (step % stepsPerStart === stepsPerStart - 1) {
        await leader.allAcked();
        await member.kill();
        mendTrace(trace);
        member.launch();
        await leader.linked();
      }
    }
    await leader.allAcked();
  } catch (error) {
    throw new Error(`the follower says:\n${member.tail}`, { cause: error });
  } finally {
    await member.kill();
    for (const peer of peers) await peer.stop();
  }
  const { history } = leader;
  return {
    name: 'peers',
    trace,
    summary: `${history.stepsCount} messages, a log up to index ${leader.last}`,
    promises: history,
    judge: (image) => judge(history, image),
  };
}

/** Judges by promises that were written down. */
export function judgePeersAgain(promises: object, image: JudgedImage): Promise<Judgement> {
  return judge(Object.assign(new PeerHistory(), promises), image);
}

async function judge(history: PeerHistory, image: JudgedImage): Promise<Judgement> {
  const { dataDir: path, promisedAt, cutAt } = image;
  const found = inspectDataDir(machineDisk.fs, path);
  if (found.kind === 'refused') return { outcome: 'refused', message: found.error.message };
  if (found.kind !== 'ours') {
    // An interrupted creation: it is made again, which is right when nobody has heard of it.
    if (!history.isAckedAt(promisedAt)) return { outcome: 'booted' };
    return { outcome: 'lied', message: 'the data dir is taken for an empty one' };
  }
  let failure: Error | undefined;
  const fatal = (error: Error): void => void (failure ??= error);
  let dataDir: DataDir;
  try {
    const options = { path, disk: machineDisk, scheduler: systemScheduler, fatal };
    dataDir = await openDataDir({ ...options, reserveBytes: 0 });
  } catch (error) {
    return { outcome: 'refused', message: error instanceof Error ? error.message : String(error) };
  }
  try {
    if (dataDir.provenLoss !== undefined) {
      return { outcome: 'refused', message: describeProvenLoss(dataDir.provenLoss, path) };
    }
    history.check(dataDir, promisedAt, cutAt);
    if (failure !== undefined) throw failure;
    return { outcome: 'booted' };
  } catch (error) {
    return { outcome: 'lied', message: error instanceof Lie ? error.message : String(error) };
  } finally {
    await new Promise<void>((resolve) => dataDir.close(resolve));
  }
}
