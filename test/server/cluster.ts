import { seededRandom } from '../../src/base/random.ts';
import { utf8, type Bytes } from '../../src/base/bytes.ts';
import type { Scheduler } from '../../src/base/clock.ts';
import { defaultServerConfig } from '../../src/config/server-config.ts';
import { bootstrapCluster } from '../../src/embed/bootstrap.ts';
import { forceNewCluster } from '../../src/embed/force-new-cluster.ts';
import { publishUntilApplied } from '../../src/embed/publish.ts';
import { memberSettings } from '../../src/embed/settings.ts';
import { silentLogger, type Logger } from '../../src/host/logger.ts';
import { createMetrics } from '../../src/host/metrics-registry.ts';
import type { Metrics } from '../../src/host/metrics.ts';
import type { LinkPolicy } from '../../src/peer/memory-links.ts';
import { MemoryNetwork } from '../../src/peer/memory-transport.ts';
import type { Transport, TransportEvents } from '../../src/peer/types.ts';
import { decodeConfChange, encodeConfChange, type ConfChange } from '../../src/raft/confchange.ts';
import type { Entry } from '../../src/raft/types.ts';
import { noMember } from '../../src/raft/types.ts';
import { AppliedStateLoader } from '../../src/server/applied-state.ts';
import type { MemberSettings } from '../../src/server/member-parts.ts';
import { ServerMember } from '../../src/server/member.ts';
import type { AddedMember, Done } from '../../src/server/types.ts';
import { createDataDir, openDataDir } from '../../src/storage/data-dir-open.ts';
import type { DataDir, DataDirIdentity } from '../../src/storage/types.ts';
import { MemoryDisk } from '../../src/storage/memory-disk.ts';
import type { Tear } from '../../src/storage/memory-fs.ts';
import type { DiskOperation } from '../../src/storage/memory-operation.ts';
import { CommandKind } from '../../src/wire/command.ts';
import type { Outcome } from '../../src/wire/errors.ts';
import { PutRequest, RangeRequest, type RangeResponse } from '../../src/wire/kv.ts';
import { ManualScheduler } from '../peer/manual-scheduler.ts';

/** Whole members in one process: real loops and storage, on memory disks, a memory network and time that tests move. */

export const dataDirPath = '/disk/member';
/** How long a disk operation takes unless a test says otherwise. */
const diskMs = 1;

/** What a disk does with an operation: it answers in so many milliseconds. */
export type DiskPolicy = (name: string, operation: DiskOperation) => number;

/**
 * What a simulation puts around every member. Without one all members share the cluster's time, and hear of messages
 * and of their disks at once.
 */
export interface Surroundings {
  /** Of one start: the time that the member knows. */
  openClock(name: string): Scheduler;
  events(name: string, events: TransportEvents): TransportEvents;
  transport(name: string, transport: Transport): Transport;
  /** Completes the operation, or lets it fail, some time, and calls `answered` right before. */
  asked(name: string, operation: DiskOperation, answered: () => void): void;
  started(name: string, member: ServerMember, disk: MemoryDisk): void;
  ended(name: string, isPowerLoss: boolean): void;
  /** Whether clients can talk to it. */
  isCallable(name: string): boolean;
  /** It must not go on. */
  fatal(name: string, reason: string): void;
}

export interface ClusterOptions {
  readonly settings?: Partial<MemberSettings>;
  readonly links?: LinkPolicy;
  readonly diskMs?: DiskPolicy;
  readonly logger?: Logger;
  readonly scheduler?: ManualScheduler;
  readonly surroundings?: Surroundings;
  /** Configuration entries, by the members' ids, that are committed in every first log beside those of bootstrap. */
  readonly committed?: (ids: readonly bigint[]) => readonly ConfChange[];
}

interface Place {
  readonly name: string;
  readonly disk: MemoryDisk;
  /** What the disk was asked for and has not done. */
  readonly pending: Set<DiskOperation>;
  member: ServerMember | undefined;
  memberId: bigint | undefined;
  /** Of the data dir that it was started with last. */
  incarnation: bigint;
}

export class MemoryCluster {
  readonly scheduler: ManualScheduler;
  readonly network: MemoryNetwork;
  readonly fatal: string[] = [];
  /** Names of members that must not go on, by their own finding or that of others. */
  readonly failed = new Set<string>();
  /** By name, of the newest start of each. */
  readonly metrics = new Map<string, Metrics>();
  /** Names of members that have stopped because they were removed. */
  readonly removed: string[] = [];
  private readonly places: Place[];
  private readonly settings: MemberSettings;
  private readonly diskMs: DiskPolicy;
  private readonly logger: Logger;
  private readonly surroundings: Surroundings | undefined;
  private starts = 0;
  private clusterId = 0n;

  private constructor(names: readonly string[], options: ClusterOptions) {
    this.scheduler = options.scheduler ?? new ManualScheduler();
    this.network = new MemoryNetwork(this.scheduler, options.links);
    this.diskMs = options.diskMs ?? (() => diskMs);
    this.logger = options.logger ?? silentLogger;
    this.surroundings = options.surroundings;
    this.settings = { ...memberSettings(defaultServerConfig()), ...options.settings };
    this.places = names.map((name) => ({
      name,
      disk: new MemoryDisk(),
      pending: new Set(),
      member: undefined,
      memberId: undefined,
      incarnation: 0n,
    }));
  }

  static async start(size: number, options: ClusterOptions = {}): Promise<MemoryCluster> {
    const names = Array.from({ length: size }, (_, i) => `m${i + 1}`);
    const cluster = new MemoryCluster(names, options);
    const initial = names.map((name, i) => ({ name, peerUrl: `http://localhost:${i + 1}` }));
    for (const place of cluster.places) {
      const { name } = place;
      const { memberId, clusterId, ...log } = bootstrapCluster(name, initial, 'test');
      const ids = log.entries.flatMap(({ data }) =>
        decodeConfChange(data).changes.map((change) => change.memberId),
      );
      const more = (options.committed?.(ids) ?? []).map((change, i): Entry => ({
        term: 1,
        index: log.entries.length + i + 1,
        type: 'confChange',
        data: encodeConfChange(change),
      }));
      const entries = [...log.entries, ...more];
      const hardState = { ...log.hardState, commit: entries.length };
      cluster.clusterId = clusterId;
      await createDataDir({
        ...cluster.dataDirOptions(place),
        identity: { clusterId, memberId, incarnation: memberId + 1n },
        entries,
        hardState,
      });
    }
    for (const name of names) await cluster.startMember(name);
    return cluster;
  }

  /** Adds a member to the record, by a request to `via`; it is not started yet. */
  addMember(via: ServerMember, peerUrl: string, isLearner = false): Outcome<AddedMember> {
    return this.answer((done) => via.addMember([peerUrl], isLearner, done));
  }

  /** Starts a new member under a name, with the id that its record has. */
  async joinMember(name: string, memberId: bigint, lineage?: Bytes): Promise<ServerMember> {
    const place = {
      name,
      disk: new MemoryDisk(),
      pending: new Set<DiskOperation>(),
      member: undefined,
      memberId: undefined,
      incarnation: 0n,
    };
    this.places.push(place);
    const identity = { clusterId: this.clusterId, memberId, incarnation: memberId + 1n };
    await this.createEmpty(place, lineage === undefined ? identity : { ...identity, lineage });
    return this.startMember(name);
  }

  /** The disk of a member is lost; it is started again under its old id. */
  async wipe(name: string): Promise<ServerMember> {
    const place = this.place(name);
    const memberId = place.member?.id;
    if (memberId === undefined) throw new Error(`${name} does not run`);
    this.stop(name);
    this.advance(100);
    const wiped: Place = {
      ...place,
      disk: new MemoryDisk(),
      pending: new Set(),
      member: undefined,
    };
    this.places.splice(this.places.indexOf(place), 1, wiped);
    const { clusterId } = this;
    await this.createEmpty(wiped, { clusterId, memberId, incarnation: memberId + 1000n });
    return this.startMember(name);
  }

  /** As with --force-new-cluster: a member that does not run becomes a cluster of one, and is started. */
  async force(name: string): Promise<ServerMember> {
    const place = this.place(name);
    const { disk } = place;
    disk.schedule = (operation) => queueMicrotask(() => operation.complete());
    await forceNewCluster(this.dataDirOptions(place), silentLogger);
    return this.startMember(name);
  }

  private async createEmpty(place: Place, identity: DataDirIdentity): Promise<void> {
    const { disk } = place;
    disk.schedule = (operation) => queueMicrotask(() => operation.complete());
    await createDataDir({
      ...this.dataDirOptions(place),
      identity,
      entries: [],
      hardState: { term: 0, vote: noMember, commit: 0 },
    });
  }

  get members(): readonly ServerMember[] {
    return this.places.flatMap(({ member }) => (member === undefined ? [] : [member]));
  }

  /** Those who answer clients. */
  get callable(): readonly ServerMember[] {
    const { surroundings } = this;
    if (surroundings === undefined) return this.members;
    return this.places.flatMap(({ name, member }) =>
      member !== undefined && surroundings.isCallable(name) ? [member] : [],
    );
  }

  /** Two may think so for a moment, of whom the one of the higher term is right. */
  get leader(): ServerMember | undefined {
    const leaders = this.members.filter((member) => member.isLeader);
    return leaders.sort((a, b) => b.term - a.term)[0];
  }

  async startMember(name: string): Promise<ServerMember> {
    const member = await this.prepareMember(name);
    member.start();
    this.publish(member, name);
    return member;
  }

  /** The data dir of a member that does not run, for a test to change it; the test closes it. */
  openStopped(name: string): Promise<DataDir> {
    const place = this.place(name);
    const { disk } = place;
    disk.schedule = (operation) => queueMicrotask(() => operation.complete());
    return openDataDir({ ...this.dataDirOptions(place), onRows: () => undefined });
  }

  /** A member that is still to be started. */
  async prepareMember(name: string): Promise<ServerMember> {
    const place = this.place(name);
    const { disk } = place;
    const loader = new AppliedStateLoader();
    const { surroundings } = this;
    const scheduler = surroundings?.openClock(name) ?? this.scheduler;
    disk.schedule = (operation) => queueMicrotask(() => operation.complete());
    const dataDir = await openDataDir({
      ...this.dataDirOptions(place),
      scheduler,
      onRows: (rows, state) => loader.feed(rows, state),
      checkpoint: loader.checkpoint,
    });
    disk.schedule = (operation) => this.schedule(place, operation);
    const nonce = ++this.starts;
    const metrics = createMetrics();
    this.metrics.set(name, metrics);
    const member = new ServerMember({
      dataDir,
      loader,
      settings: this.settings,
      host: {
        scheduler,
        random: seededRandom(nonce),
        logger: this.logger,
        metrics,
        nonce,
        unixTimeMs: () => Date.UTC(2026, 0, 1) + scheduler.nowMs(),
      },
      openTransport: (events) => {
        if (surroundings === undefined) return this.network.join(dataDir.identity, events);
        const around = surroundings.events(name, events);
        return surroundings.transport(name, this.network.join(dataDir.identity, around));
      },
      onFatal: (reason) => {
        this.fatal.push(reason);
        this.failed.add(name);
        surroundings?.fatal(name, reason);
      },
      onRemoved: () => {
        this.removed.push(name);
        if (place.member !== undefined) this.stop(name);
      },
    });
    place.member = member;
    place.memberId = member.id;
    place.incarnation = dataDir.identity.incarnation;
    surroundings?.started(name, member, disk);
    return member;
  }

  private schedule(place: Place, operation: DiskOperation): void {
    const { surroundings, scheduler } = this;
    if (surroundings !== undefined) {
      place.pending.add(operation);
      surroundings.asked(place.name, operation, () => place.pending.delete(operation));
      return;
    }
    place.pending.add(operation);
    scheduler.after(this.diskMs(place.name, operation), () => {
      place.pending.delete(operation);
      operation.complete();
    });
  }

  /** As a member does it when it has started: again until it has been applied. */
  private publish(member: ServerMember, name: string): void {
    const { incarnation } = this.place(name);
    const attributes = { memberId: member.id, name, clientUrls: [`http://${name}`], incarnation };
    publishUntilApplied(member, attributes, this.scheduler, () => undefined);
  }

  /** As a process that is told to stop; its disk keeps what was written. */
  stop(name: string): void {
    const place = this.place(name);
    if (place.member === undefined) return;
    place.member.stop(() => undefined);
    place.member = undefined;
    this.surroundings?.ended(name, false);
  }

  /**
   * The power goes, nothing is told to anyone. What was not synced is lost, save for what `keeps` names; of the
   * operations under way those that `isDone` names have reached the disk. `tear` says what is left of a file that
   * is lost otherwise.
   */
  crash(
    name: string,
    keeps: (path: string) => boolean = () => false,
    isDone: (operation: DiskOperation) => boolean = () => false,
    tear?: Tear,
  ): void {
    const place = this.place(name);
    for (const operation of place.pending) if (isDone(operation)) operation.persist();
    place.pending.clear();
    place.disk.crash(keeps, tear);
    const { member } = place;
    place.member = undefined;
    member?.stop(() => undefined);
    if (member !== undefined) this.surroundings?.ended(name, true);
  }

  /** A member's disk, whether it runs or not. */
  diskOf(name: string): MemoryDisk {
    return this.place(name).disk;
  }

  get names(): readonly string[] {
    return this.places.map(({ name }) => name);
  }

  /** The member that runs under this name. */
  running(name: string): ServerMember | undefined {
    return this.place(name).member;
  }

  /** Of the member that was last started under this name. */
  idOf(name: string): bigint | undefined {
    return this.place(name).memberId;
  }

  /** Of the newest member with this id. */
  nameOfId(id: bigint): string | undefined {
    return this.places.find(({ memberId }) => memberId === id)?.name;
  }

  nameOf(member: ServerMember): string {
    const place = this.places.find((each) => each.member === member);
    if (place === undefined) throw new Error('no such member');
    return place.name;
  }

  advance(ms: number): void {
    this.scheduler.advance(ms);
  }

  /** Moves time on until `condition` holds; throws when it does not within `limitMs`. */
  until(what: string, condition: () => boolean, limitMs = 30_000): void {
    for (let waited = 0; !condition(); waited += 10) {
      if (waited > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
      this.advance(10);
    }
  }

  put(member: ServerMember, key: string, value: string): Outcome<unknown> {
    const request = PutRequest.encode({ key: bytesOf(key), value: bytesOf(value) });
    return this.answer((done) => member.propose(CommandKind.put, request, done));
  }

  /** A linearizable read. */
  get(member: ServerMember, key: string): Outcome<RangeResponse> {
    const read = this.answer<undefined>((done) => member.readIndex(done));
    return read.ok ? this.local(member, key) : read;
  }

  /** What the member itself holds. */
  local(member: ServerMember, key: string): Outcome<RangeResponse> {
    return this.answer((done) => member.range(RangeRequest.create({ key: bytesOf(key) }), done));
  }

  answer<T>(ask: (done: Done<T>) => void): Outcome<T> {
    let outcome: Outcome<T> | undefined;
    ask((given) => {
      outcome = given;
    });
    this.until('an answer', () => outcome !== undefined);
    if (outcome === undefined) throw new Error('unreachable');
    return outcome;
  }

  private dataDirOptions({ name, disk }: Place) {
    return {
      path: dataDirPath,
      disk,
      scheduler: this.scheduler,
      fatal: (error: Error) => {
        this.fatal.push(error.message);
        this.surroundings?.fatal(name, error.message);
      },
      reserveBytes: 0,
    };
  }

  private place(name: string): Place {
    const place = this.places.find((each) => each.name === name);
    if (place === undefined) throw new Error(`no member is called ${name}`);
    return place;
  }
}

export function bytesOf(text: string): Bytes {
  return utf8(text);
}
