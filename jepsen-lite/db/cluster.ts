import { join } from 'node:path';
import { RawClient, type Answer } from '../../test/members/client.ts';
import { memberIdOf } from '../../test/members/harness.ts';
import type { WireObject } from '../../test/members/protocol.ts';
import type { Random } from '../../src/base/random.ts';
import type { Exit } from '../ending.ts';
import { Links } from '../net/links.ts';
import { PeerProxy } from '../net/peer-proxy.ts';
import { ownerOf } from '../net/socket-owner.ts';
import type { Preloads } from '../preload/preloads.ts';
import type { Endpoint } from '../types.ts';
import { holdPorts, type HeldPorts } from './ports.ts';
import { Slot } from './slot.ts';
import type { Db } from './types.ts';

export interface ClusterOptions {
  readonly db: Db;
  readonly members: number;
  /** Places for those who come later. */
  readonly spares: number;
  readonly folder: string;
  readonly dataFolder: string;
  readonly random: Random;
  readonly portBase: number | undefined;
  readonly nowUs: () => number;
  readonly preloads: Preloads;
  /** How every disk behaves from the beginning. */
  readonly diskRules: readonly string[];
}

const statusDeadlineMs = 1_000;
const portsPerSlot = 3;

/** Real processes on loopback, with a proxy before each peer listener. */
export class TestCluster {
  readonly links = new Links();
  readonly slots: readonly Slot[];
  /** How many the test begins with. */
  readonly size: number;
  /** Ends that nobody had asked for. */
  readonly exits: Exit[] = [];
  readonly #options: ClusterOptions;
  readonly #proxies: PeerProxy[] = [];
  readonly #clients = new Map<Slot, RawClient>();

  readonly #held: HeldPorts;

  private constructor(options: ClusterOptions, held: HeldPorts) {
    this.#options = options;
    this.#held = held;
    this.size = options.members;
    const count = options.members + options.spares;
    this.slots = Array.from({ length: count }, (_, i) => this.#slot(i, held.ports));
  }

  #slot(i: number, ports: readonly number[]): Slot {
    const { db, folder, dataFolder, nowUs, preloads } = this.#options;
    const name = `n${i + 1}`;
    const [clientPort = 0, peerPort = 0, proxyPort = 0] = ports.slice(i * portsPerSlot);
    return new Slot({
      db,
      name,
      clientPort,
      peerPort,
      proxyPort,
      dataFolder,
      logFile: join(folder, 'logs', `${name}.log`),
      onNewLife: (slot) => preloads.forget(slot),
      onUnexpectedExit: (member, { code, signal }) => {
        this.exits.push({ member, code, signal, atUs: nowUs() });
      },
    });
  }

  /** Starts the proxies and the first members. @throws when they do not come up. */
  static async start(options: ClusterOptions): Promise<TestCluster> {
    const count = (options.members + options.spares) * portsPerSlot;
    const cluster = new TestCluster(options, await holdPorts(count, options.portBase));
    try {
      for (const slot of cluster.slots) cluster.#proxies.push(await cluster.#proxy(slot));
      const first = cluster.slots.slice(0, options.members);
      const initialCluster = first
        .map(({ name, advertisedPeerUrl }) => `${name}=${advertisedPeerUrl}`)
        .join(',');
      for (const slot of first) {
        slot.prepare(initialCluster, 'new');
        if (options.diskRules.length > 0) options.preloads.setDiskFaults(slot, options.diskRules);
        cluster.launch(slot);
      }
      await Promise.all(first.map((slot) => slot.ready()));
    } catch (error) {
      await cluster.destroy();
      throw error;
    }
    return cluster;
  }

  #proxy(slot: Slot): Promise<PeerProxy> {
    const { proxyPort, peerPort } = slot.options;
    return PeerProxy.listen({
      member: slot.name,
      port: proxyPort,
      targetPort: peerPort,
      links: this.links,
      random: this.#options.random,
      callerAt: async (localPort) => {
        const running = this.slots.filter(({ pid }) => pid !== undefined);
        const pids = running.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
        const pid = await ownerOf(localPort, proxyPort, pids);
        return pid === undefined ? undefined : running.find((each) => each.pid === pid)?.name;
      },
    });
  }

  get endpoints(): readonly Endpoint[] {
    return this.slots
      .slice(0, this.size)
      .map(({ name, target }) => ({ member: name, url: `http://${target}` }));
  }

  /** Those who belong to the cluster, running or not. */
  get members(): readonly Slot[] {
    return this.slots.filter(({ isMember }) => isMember);
  }

  get db(): Db {
    return this.#options.db;
  }

  /** The folder of the report, on the disk of the members' data. */
  get folder(): string {
    return this.#options.folder;
  }

  /** Whether those are members who were at the beginning, and all run. */
  get isWhole(): boolean {
    return this.slots.every((slot, i) =>
      i < this.size ? slot.isMember && slot.isRunning && !slot.isPaused : !slot.isMember,
    );
  }

  launch(slot: Slot): void {
    slot.launch(this.#options.preloads.of(slot));
  }

  /** A call for the harness's own sake: it is in no history. */
  call(slot: Slot, method: string, request: object, deadlineMs?: number): Promise<Answer> {
    let client = this.#clients.get(slot);
    if (client === undefined) {
      client = new RawClient(slot.target);
      this.#clients.set(slot, client);
    }
    return client.call(method, request, deadlineMs === undefined ? {} : { deadlineMs });
  }

  async status(slot: Slot): Promise<WireObject | undefined> {
    if (!slot.isRunning || slot.isPaused) return undefined;
    const answer = await this.call(slot, 'Maintenance.Status', {}, statusDeadlineMs);
    return answer.ok ? answer.message : undefined;
  }

  /** Decimal; undefined: it does not answer. */
  async idOf(slot: Slot): Promise<string | undefined> {
    return memberIdOf(await this.status(slot));
  }

  /** The member that most of those who answer call the leader. */
  async leader(): Promise<Slot | undefined> {
    const views = await Promise.all(
      this.members.map(async (slot) => ({ slot, status: await this.status(slot) })),
    );
    for (const { slot, status } of views) {
      const id = memberIdOf(status);
      if (id === undefined || status?.['leader'] !== id) continue;
      const followers = views.filter((view) => view.status?.['leader'] === id);
      if (followers.length * 2 > this.members.length) return slot;
    }
    return undefined;
  }

  /** No link is faulty, everybody runs. What a fault put elsewhere its own end takes away. */
  heal(): void {
    this.links.healAll();
    for (const slot of this.members) {
      if (slot.isPaused) slot.resume();
      if (!slot.isRunning) this.launch(slot);
    }
  }

  /**
   * SIGTERM to all, with so much time for each; answers those who ended otherwise than that asks for: etcd ends by
   * the signal itself.
   */
  async stopAll(timeoutMs: number): Promise<readonly Exit[]> {
    const ends = await Promise.all(
      this.slots.map(async (slot) => ({ member: slot.name, status: await slot.stop(timeoutMs) })),
    );
    return ends.flatMap(({ member, status }) =>
      status === undefined || status.code === 0 || status.signal === 'SIGTERM'
        ? []
        : [{ member, ...status, atUs: this.#options.nowUs() }],
    );
  }

  /** Whatever runs is killed. */
  async destroy(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    await Promise.all(this.slots.map((slot) => slot.kill()));
    for (const proxy of this.#proxies) proxy.close();
    this.#held.release();
  }
}
