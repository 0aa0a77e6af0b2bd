import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mustGet } from '../../src/base/assert.ts';
import { RawClient } from '../members/client.ts';
import { freePorts } from '../members/loopback.ts';
import { Member } from '../members/member.ts';
import type { WireObject } from '../members/protocol.ts';
import { checkpointing, threads } from './checkpoints.ts';
import { ClientHistory } from './client-history.ts';
import { mustAnswer } from './client-oracle.ts';
import type { ClusterPromises, Place } from './cluster-oracle.ts';
import type { LifeOptions } from './life.ts';
import { mendTrace } from './power-loss.ts';
import { shimEnvironment } from './shim/build.ts';

/**
 * Three members, each recorded: one falls so far behind that it takes a snapshot of several chunks, one joins, one is
 * removed, and in the end the rest is given up and one is forced to be a cluster of its own. Times are those of the
 * monotonic clock, which every trace has as well: the whole cluster can lose power at one moment.
 */

const snapshotWrites = 60;
const fewWrites = 25;
const keysCount = 30;
/** A snapshot chunk is 256 KiB (peer/limits.ts). */
const largeBytes = 120 * 1024;
const catchUpMs = 60_000;

export const clusterFlags = [
  '--heartbeat-interval=200',
  '--election-timeout=2000',
  '--snapshot-catchup-entries=20',
] as const;

export interface RecordedMember {
  readonly name: string;
  readonly trace: string;
}

export interface ClusterLife {
  readonly members: readonly RecordedMember[];
  readonly summary: string;
  readonly promises: ClusterPromises;
}

export async function liveAsCluster(options: LifeOptions): Promise<ClusterLife> {
  const life = await RecordedCluster.prepare(options);
  try {
    await life.run();
  } finally {
    await life.end();
  }
  return life.recorded();
}

/** Of the same clock as the traces. */
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

class RecordedCluster {
  private readonly options: LifeOptions;
  private readonly places: readonly Place[];
  private readonly history = new ClientHistory();
  private readonly members = new Map<string, Member>();
  private readonly clients = new Map<string, RawClient>();
  private readonly gone: { name: string; askedMs: number; doneMs: number }[] = [];
  private forcedMs = Infinity;
  private joinedMs = Infinity;
  private writes = 0;

  private constructor(options: LifeOptions, places: readonly Place[]) {
    this.options = options;
    this.places = places;
  }

  static async prepare(options: LifeOptions): Promise<RecordedCluster> {
    const ports = await freePorts(8);
    const places = ['a', 'b', 'c', 'd'].map((name, i) => ({
      name,
      clientPort: mustGet(ports[2 * i], 'two ports each'),
      peerPort: mustGet(ports[2 * i + 1], 'two ports each'),
    }));
    mkdirSync(options.folder, { recursive: true });
    writeFileSync(join(options.folder, 'faults'), options.faults);
    return new RecordedCluster(options, places);
  }

  recorded(): ClusterLife {
    const { history, places, gone, forcedMs, joinedMs } = this;
    const recorded = [...this.members.keys()];
    return {
      members: recorded.map((name) => ({ name, trace: this.traceOf(name) })),
      summary:
        `${history.changesCount} writes up to revision ${history.lastRevision}, ` +
        '2 snapshots, a member added, one removed, one forced to be alone',
      promises: { history, places, gone, forcedMs, joinedMs },
    };
  }

  async run(): Promise<void> {
    for (const name of ['a', 'b', 'c']) this.start(name);
    await Promise.all(['a', 'b', 'c'].map((name) => this.member(name).ready()));
    await this.write('a', fewWrites);
    await this.snapshotTo('c');
    await this.call('c', 'Maintenance.Defragment', {});
    await this.compact('a');
    await this.join();
    await this.snapshotTo('d');
    await this.remove('b');
    await this.led('c');
    await this.write('c', fewWrites);
    await this.forceAlone('c');
  }

  async end(): Promise<void> {
    for (const client of this.clients.values()) client.close();
    for (const member of this.members.values()) await member.kill();
  }

  private traceOf = (name: string): string => join(this.options.folder, `${name}.trace`);

  private member(name: string): Member {
    return mustGet(this.members.get(name), 'it was started');
  }

  private start(name: string, flags: readonly string[] = []): void {
    const { folder, shim } = this.options;
    const place = mustGet(
      this.places.find((one) => one.name === name),
      'it has a place',
    );
    const dataDir = join(folder, name);
    const trace = this.traceOf(name);
    if (this.members.has(name)) mendTrace(trace);
    else writeFileSync(trace, '');
    const use = { dataDir, trace, faults: join(folder, 'faults') };
    const member = new Member({
      program: checkpointing,
      ...place,
      dataDir,
      logFile: join(folder, `${name}.log`),
      initialCluster: initialClusterOf(
        this.places,
        name === 'd' ? ['a', 'b', 'c', 'd'] : ['a', 'b', 'c'],
      ),
      flags: [...clusterFlags, ...flags],
      environment: { ...threads, ...shimEnvironment(shim, use) },
    });
    this.members.set(name, member);
    this.clients.get(name)?.close();
    this.clients.set(name, new RawClient(member.target));
    member.launch();
  }

  private async call(name: string, method: string, request: object): Promise<WireObject> {
    const client = mustGet(this.clients.get(name), 'it was started');
    return mustAnswer(await client.call(method, request, { deadlineMs: 60_000 }), method);
  }

  private async write(name: string, count: number, valueBytes = 30): Promise<void> {
    const { random } = this.options;
    for (let left = count; left > 0; left--) {
      const key = `key-${random.below(keysCount)}`;
      const value = `${++this.writes}:`.padEnd(valueBytes, `${this.writes % 7}`);
      const request = { key: Buffer.from(key), value: Buffer.from(value) };
      const header = (await this.call(name, 'KV.Put', request))['header'] as WireObject;
      const put = { kind: 'put', key, value, lease: '0' } as const;
      this.history.changed(nowMs(), Number(header['revision']), [put]);
    }
  }

  /** What was written while it was away is no longer in the log of the others. */
  private async snapshotTo(name: string): Promise<void> {
    await this.member(name).kill();
    await this.led('a');
    await this.write('a', snapshotWrites, largeBytes);
    this.start(name, name === 'd' ? joining : []);
    await this.caughtUp(name);
    await this.write('a', 5);
  }

  /** The one that is gone may have been the leader; a write at that moment would come to no known end. */
  private async led(name: string): Promise<void> {
    const client = mustGet(this.clients.get(name), 'it was started');
    const deadline = performance.now() + catchUpMs;
    const request = { key: Buffer.from('key-0') };
    while (!(await client.call('KV.Range', request, { deadlineMs: 5_000 })).ok) {
      if (performance.now() > deadline) throw new Error(`${name} finds no leader`);
    }
  }

  private async caughtUp(name: string): Promise<void> {
    const deadline = performance.now() + catchUpMs;
    await this.member(name).ready();
    for (;;) {
      const request = { key: Buffer.from('key-0'), serializable: true };
      const header = (await this.call(name, 'KV.Range', request))['header'] as WireObject;
      if (Number(header['revision']) >= this.history.lastRevision) return;
      if (performance.now() > deadline) throw new Error(`${name} does not catch up`);
      await sleep(20);
    }
  }

  private async compact(name: string): Promise<void> {
    const revision = this.history.lastRevision - 10;
    await this.call(name, 'KV.Compact', { revision, physical: true });
    this.history.compacted(nowMs(), revision);
  }

  /** d comes as a learner, and is made a voter when it has what the others have. */
  private async join(): Promise<void> {
    const peerURLs = [peerUrlOf(mustGet(this.places[3], 'd has a place'))];
    const answer = await this.call('a', 'Cluster.MemberAdd', { peerURLs, isLearner: true });
    const { ID } = answer['member'] as WireObject;
    this.start('d', joining);
    await this.caughtUp('d');
    this.joinedMs = nowMs();
    await this.call('a', 'Cluster.MemberPromote', { ID });
    await this.write('a', 5);
  }

  private async remove(name: string): Promise<void> {
    const listed = await this.call('a', 'Cluster.MemberList', {});
    const members = listed['members'] as readonly WireObject[];
    const record = mustGet(
      members.find((one) => one['name'] === name),
      'it is a member',
    );
    const askedMs = nowMs();
    await this.call('a', 'Cluster.MemberRemove', { ID: record['ID'] });
    this.gone.push({ name, askedMs, doneMs: nowMs() });
  }

  private async forceAlone(name: string): Promise<void> {
    await this.caughtUp(name);
    for (const member of this.members.values()) await member.kill();
    this.forcedMs = nowMs();
    this.start(name, ['--force-new-cluster']);
    await this.member(name).ready();
    await this.write(name, fewWrites);
    await this.member(name).kill();
    this.start(name);
    await this.member(name).ready();
    await this.write(name, fewWrites);
  }
}

const joining = ['--initial-cluster-state=existing'] as const;

export const peerUrlOf = ({ peerPort }: Place): string => `http://127.0.0.1:${peerPort}`;

function initialClusterOf(places: readonly Place[], names: readonly string[]): string {
  return places
    .filter(({ name }) => names.includes(name))
    .map((place) => `${place.name}=${peerUrlOf(place)}`)
    .join(',');
}
