import { seededRandom } from '../../src/base/random.ts';
import type { MemberId } from '../../src/raft/types.ts';
import { StorageError } from '../../src/storage/errors.ts';
import { MemoryCluster } from '../server/cluster.ts';
import { Agenda } from './agenda.ts';
import type { Note } from './calls.ts';
import { SimClients } from './clients.ts';
import { SimDisks } from './disks.ts';
import { Judge } from './judge.ts';
import { SimLeases } from './leases.ts';
import { SimMachines } from './machines.ts';
import { SimMembers } from './members.ts';
import { SimOperators } from './operators.ts';
import { mustFindNone } from './promises.ts';
import { SimLinks } from './network.ts';
import type { SimSchedule } from './schedule.ts';
import { memberSettingsOf, smallQuotaBytes, type SimSettings } from './settings.ts';
import { StepRandom, streamOf } from './streams.ts';
import type { Who } from './steps.ts';
import type { Invariant, Probes } from './types.ts';
import { ManualScheduler } from '../peer/manual-scheduler.ts';
import { SimWide } from './wide.ts';
import { SimWatchers } from './watchers.ts';

export interface WorldOptions {
  readonly invariants: readonly Invariant[];
  readonly probes: Probes;
  /** Gets every line of the trace. */
  readonly print?: ((line: string) => void) | undefined;
}

interface WorldParts {
  readonly settings: SimSettings;
  readonly options: WorldOptions;
  readonly cluster: MemoryCluster;
  readonly links: SimLinks;
  readonly disks: SimDisks;
  readonly judge: Judge;
  readonly machines: SimMachines;
}

/** Free space below which an operator would make room before starting a member. */
const startFreeBytesMin = 256 * 2 ** 20;
const startAgainMs = 500;

/**
 * A cluster of whole members in a bad world, all of it from one schedule: the same code as in production, on machines,
 * links and disks that do what the steps of the schedule tell them to.
 */
export class SimWorld {
  readonly settings: SimSettings;
  readonly probes: Probes;
  readonly cluster: MemoryCluster;
  readonly links: SimLinks;
  readonly disks: SimDisks;
  readonly judge: Judge;
  readonly machines: SimMachines;
  readonly clients: SimClients;
  readonly wide: SimWide;
  readonly operators: SimOperators;
  readonly leases: SimLeases;
  readonly watchers: SimWatchers;
  readonly members: SimMembers;
  /** What clients and operators draw from: reset by each step. */
  readonly random = new StepRandom();
  readonly agenda = new Agenda();
  /** Members whose data is gone for good. */
  readonly lost = new Set<string>();
  /** How long a member stays down whose process has ended by itself. */
  readonly downMs = new Map<string, number>();

  private constructor(parts: WorldParts) {
    const { cluster, settings, judge } = parts;
    this.settings = settings;
    this.probes = parts.options.probes;
    this.cluster = cluster;
    this.links = parts.links;
    this.disks = parts.disks;
    this.judge = judge;
    this.machines = parts.machines;
    const note: Note = (member, text) => judge.note(cluster.nameOfId(member.id), text);
    const { random } = this;
    const { paddingBytes, keys } = settings;
    this.clients = new SimClients({ cluster, random, note, paddingBytes, keys });
    const { history: writes } = this.clients;
    const valueBytes = settings.wideValueBytes;
    this.wide = new SimWide({
      cluster,
      random,
      note,
      history: writes,
      valueBytes,
      probes: this.probes,
    });
    this.operators = new SimOperators({
      cluster,
      random,
      note,
      history: writes,
      compacts: (revision) => this.clients.compacts(revision),
      isAnyDamaged: () => this.machines.damaged.size > 0,
      mayBeFull:
        settings.member.quotaBytes === smallQuotaBytes || settings.features.fullDisks !== undefined,
    });
    const fastest = hasClocks(settings) ? fastestRate : 1;
    this.leases = new SimLeases({ cluster, random, writes, note, fastest });
    this.watchers = new SimWatchers({
      cluster,
      random,
      compactedMax: () => this.compactedMax(),
      told: (event) => this.leases.told(event),
    });
    this.members = new SimMembers({
      cluster,
      random,
      note,
      joined: (name) => this.watchers.observe(name),
      isLost: (id) => [...this.lost].some((name) => this.idOf(name) === id),
    });
  }

  static async create({ settings }: SimSchedule, options: WorldOptions): Promise<SimWorld> {
    const { seed } = settings;
    const time = new ManualScheduler();
    const links = new SimLinks(seed, settings.isCutSilent, () => time.timeMs);
    const disks = new SimDisks(seed);
    const judge = new Judge(time, options.invariants);
    judge.trace.print = options.print;
    const machines = new SimMachines({
      seed,
      time,
      disks,
      judge,
      probes: options.probes,
      rates: settings.clockRates,
    });
    judge.isExempt = (name) => machines.damaged.has(name);
    const cluster = await MemoryCluster.start(settings.members, {
      scheduler: time,
      settings: memberSettingsOf(settings.member),
      links,
      surroundings: machines,
    });
    time.lookMs = settings.lookMs;
    const world = new SimWorld({ settings, options, cluster, links, disks, judge, machines });
    machines.kill = (name) => world.kill(name);
    return world;
  }

  /** The highest revision that was asked to be compacted, by a client or by a member itself. */
  private compactedMax(): number {
    const compacted = this.cluster.members.map((member) => member.status().compactRevision);
    return Math.max(this.clients.compactedMax, ...compacted);
  }

  get nowMs(): number {
    return this.cluster.scheduler.timeMs;
  }

  advance(ms: number): void {
    this.cluster.advance(ms);
    this.checkEnds();
  }

  /** Nothing ends a member but a fault, or that it was removed. */
  checkEnds(): void {
    mustFindNone('a member ends by a fault, or because it was removed', this.machines.unexplained);
  }

  /** The name of a member, whether it runs or not. */
  nameOf(who: Who): string {
    const { names, leader } = this.cluster;
    if (who === 'leader')
      return leader === undefined ? this.nameOf(0) : this.cluster.nameOf(leader);
    return names[who % names.length] ?? 'm1';
  }

  idOf(name: string): MemberId | undefined {
    return this.cluster.idOf(name);
  }

  /** The power of a machine goes, and comes back later. */
  crash(name: string, keepsPerMille: number, seed: number): void {
    if (this.cluster.running(name) === undefined) return;
    const random = seededRandom(seed);
    const happens = (): boolean => random.below(1000) < keepsPerMille;
    this.cluster.crash(name, happens, happens, (_path, synced, written) => {
      if (!happens()) return synced;
      // Some of the bytes have come to the disk, from the first on that differ.
      this.probes.sometimes('file torn by a power loss');
      return written.slice(0, random.below(written.length + 1));
    });
  }

  /** The process ends at once, though it may have been told to stop; what it has written stays. */
  kill(name: string): void {
    const isStopping = this.cluster.running(name) === undefined;
    const random = streamOf(this.settings.seed, `end of ${name} at ${this.nowMs}`);
    this.cluster.crash(
      name,
      () => true,
      () => random.below(2) === 0,
    );
    // Who has told it to stop starts it again, too.
    if (!isStopping) this.startLater(name, this.downMs.get(name) ?? startAgainMs);
  }

  startLater(name: string, inMs: number): void {
    this.agenda.add(this.nowMs + inMs, () => this.start(name));
  }

  /** Unless it runs, was removed, or has nothing to start from. */
  async start(name: string): Promise<boolean> {
    const { cluster, machines, lost } = this;
    if (cluster.running(name) !== undefined || lost.has(name)) return false;
    if (cluster.removed.includes(name) || cluster.failed.has(name)) return false;
    if (cluster.diskOf(name).freeBytes < startFreeBytesMin) {
      this.startLater(name, startAgainMs);
      return false;
    }
    try {
      await cluster.startMember(name);
      if (!machines.damaged.has(name)) machines.troubled.delete(name);
      this.probes.sometimes('member started again');
      return true;
    } catch (error) {
      return this.refused(name, error);
    }
  }

  /** A member does not start: there must be a reason. */
  private refused(name: string, error: unknown): boolean {
    if (!(error instanceof StorageError)) throw error;
    this.judge.note(name, `refuses to start: ${error.message}`);
    if (error.code === 'DATA_DIR_IN_USE') {
      this.startLater(name, startAgainMs);
    } else if (this.machines.damaged.has(name)) {
      this.probes.sometimes('damaged member refused to start');
      this.lost.add(name);
    } else throw error;
    return false;
  }
}

function hasClocks({ clockRates, features }: SimSettings): boolean {
  return clockRates.length > 0 || features.clocks !== undefined;
}

/** Rates are drawn between half and double. */
export const fastestRate = 2;
