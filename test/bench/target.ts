import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../members/harness.ts';
import type { Member } from '../members/member.ts';
import { etcd } from '../members/programs.ts';
import { runLoad, startLoad, type LoadOptions, type LoadResult } from './load.ts';
import { usageOf, type ProcessUsage } from './proc.ts';
import { meteredQuorate, mergeTurns, noTurns, takeTurns, type Turns } from './turns.ts';

/** A cluster of one system that is measured in turn with that of the other, which stands still meanwhile. */

export type SystemName = 'etcd' | 'quorate';

export interface TargetSettings {
  readonly system: SystemName;
  readonly members: number;
  /** How many keys the cluster is filled with, 0 for none. */
  readonly keys: number;
  readonly valueBytes: number;
  /** A folder on a real disk. */
  readonly folder?: string | undefined;
  /** Only for quorate. */
  readonly quorateFlags?: readonly string[];
  /** What a cluster gets for its timers, its links and what it has left to write, once filled or resumed. */
  readonly settleMs: number;
}

export interface Measured {
  readonly result: LoadResult;
  /** CPU time of all members in the measured time, the warm-up excluded. */
  readonly cpuMs: number;
  readonly cpuMicrosPerOperation: number;
}

/** The same for both systems: a quota that no run reaches. Everything else is as etcd has it by default. */
const commonFlags = ['--quota-backend-bytes=17179869184'];

const fillShape = { connections: 8, streams: 2 };
/** A cluster is calm when each member takes so much of a core at most. */
const calmShare = 0.06;
const calmStepMs = 500;
const calmTimeoutMs = 20_000;

/** Puts of a transaction that fills, as long as it stays below what servers take as one request. */
const fillBatchMax = 100;
const fillBatchBytes = 512 * 1_024;
/** Revisions are made one by one. */
const rewriteShape = { connections: 64, streams: 4, batch: 1 };

type Filling = Required<Pick<LoadOptions, 'keys'>> & Pick<LoadOptions, 'keyPrefix'>;

export class Target {
  readonly settings: TargetSettings;
  readonly cluster: Cluster;
  readonly #filled = new Set<string>();
  /** Of quorate alone: etcd has no meter. */
  #sinceResume: Turns = noTurns;

  private constructor(settings: TargetSettings, cluster: Cluster) {
    this.settings = settings;
    this.cluster = cluster;
  }

  static async start(
    settings: TargetSettings,
    onProgress?: (line: string) => void,
  ): Promise<Target> {
    const program = settings.system === 'etcd' ? etcd : meteredQuorate;
    const { members, folder, quorateFlags = [] } = settings;
    const own = settings.system === 'quorate' ? quorateFlags : [];
    const flags = [...commonFlags, ...own];
    const cluster = await Cluster.start({ program, members, flags, parentFolder: folder });
    try {
      const target = new Target(settings, cluster);
      await target.fillOnce({ keys: settings.keys }, onProgress);
      await target.#calm();
      // Starting and filling are no part of what is measured.
      await target.#takeTurns();
      return target;
    } catch (error) {
      await cluster.destroy();
      throw error;
    }
  }

  /** With keys of a prefix of their own, the first time that these are asked for. */
  async fillOnce(filling: Filling, onProgress?: (line: string) => void): Promise<void> {
    const name = `${filling.keyPrefix ?? ''} ${filling.keys}`;
    if (filling.keys === 0 || this.#filled.has(name)) return;
    const leader = await this.cluster.leader();
    const { valueBytes } = this.settings;
    const endpoints = [leader.target];
    const batch = Math.max(1, Math.min(fillBatchMax, Math.floor(fillBatchBytes / valueBytes)));
    const shape = { ...fillShape, batch, valueBytes };
    await runLoad({ work: 'fill', endpoints, ...shape, ...filling }, onProgress);
    this.#filled.add(name);
  }

  /** Puts all keys again and again, one a revision, until there are so many more revisions. */
  async rewrite(revisions: number): Promise<void> {
    const endpoints = [(await this.leader()).target];
    const { keys, valueBytes } = this.settings;
    for (let done = 0; done < revisions; done += keys) {
      await runLoad({ work: 'fill', endpoints, keys, valueBytes, ...rewriteShape });
    }
  }

  get system(): SystemName {
    return this.settings.system;
  }

  async leader(): Promise<Member> {
    return this.cluster.leader();
  }

  /** A member that follows; the only one where there is no other. */
  async follower(): Promise<Member> {
    const leader = await this.cluster.leader();
    return this.cluster.members.find((member) => member !== leader) ?? leader;
  }

  usage(): readonly ProcessUsage[] {
    return this.cluster.members.flatMap(({ pid }) => (pid === undefined ? [] : [usageOf(pid)]));
  }

  cpuMs(): number {
    return this.usage().reduce((sum, each) => sum + each.cpuMs, 0);
  }

  /** Runs a load with keys and values as this cluster was filled. */
  async load(options: LoadOptions): Promise<Measured> {
    const run = startLoad({ ...this.keyOptions(), ...options });
    const failed = run.result.then(() => undefined);
    await Promise.race([run.ready, failed]);
    await Promise.race([sleep(options.warmupMs ?? 0), failed]);
    const beforeMs = this.cpuMs();
    const result = await run.result;
    const cpuMs = this.cpuMs() - beforeMs;
    const { operations } = result;
    if (operations === 0) throw new Error(`no answer in ${result.seconds} s`);
    return { result, cpuMs, cpuMicrosPerOperation: (cpuMs * 1_000) / operations };
  }

  keyOptions(): Pick<LoadOptions, 'keys' | 'valueBytes'> {
    const { keys, valueBytes } = this.settings;
    return { keys, valueBytes };
  }

  /** What a filling leaves to do, such as compactions of LevelDB, is done, or takes too long to be waited for. */
  async #calm(): Promise<void> {
    await sleep(this.settings.settleMs);
    const deadline = performance.now() + calmTimeoutMs;
    for (;;) {
      const beforeMs = this.cpuMs();
      await sleep(calmStepMs);
      const share = (this.cpuMs() - beforeMs) / calmStepMs;
      if (share < calmShare * this.settings.members || performance.now() > deadline) return;
    }
  }

  /**
   * All processes stand still, so that they take nothing from those of the other system. Answers the turns since they
   * went on.
   */
  async pause(): Promise<Turns> {
    const turns = await this.keepTurns();
    for (const member of this.cluster.members) member.pause();
    return turns;
  }

  /** They go on, and one leads again. */
  async resume(): Promise<void> {
    for (const member of this.cluster.members) member.resume();
    await sleep(this.settings.settleMs);
    await this.cluster.leader();
    // What a member does on finding that a minute has passed is no part of what is measured.
    await this.#takeTurns();
    this.#sinceResume = noTurns;
  }

  /** What members that are about to end would take with them. Answers all since the clusters went on. */
  async keepTurns(): Promise<Turns> {
    this.#sinceResume = mergeTurns([this.#sinceResume, ...(await this.#takeTurns())]);
    return this.#sinceResume;
  }

  /** What a member did to start is no part of what is measured. */
  async forgetTurnsOf(member: Member): Promise<void> {
    if (this.settings.system === 'quorate') await takeTurns(member);
  }

  async #takeTurns(): Promise<readonly Turns[]> {
    if (this.settings.system === 'etcd') return [];
    return Promise.all(this.cluster.running.map(takeTurns));
  }

  async destroy(): Promise<void> {
    await this.cluster.destroy();
  }
}
