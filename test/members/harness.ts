import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from './client.ts';
import { freePorts, scratchFolder } from './loopback.ts';
import { guardedFolder, Member } from './member.ts';
import type { Program } from './programs.ts';
import type { WireObject } from './protocol.ts';

export interface ClusterSettings {
  readonly program: Program;
  readonly members: number;
  /** Further flags for every member. */
  readonly flags?: readonly string[];
}

const leaderTimeoutMs = 20_000;
const pollMs = 25;

/** Members of one program on the loopback interface, with their data in a folder of their own. */
export class Cluster {
  readonly folder: string;
  readonly members: readonly Member[];
  readonly #removeFolder: () => void;
  readonly #clients = new Map<Member, RawClient>();

  private constructor(folder: string, members: readonly Member[]) {
    this.folder = folder;
    this.#removeFolder = guardedFolder(folder);
    this.members = members;
  }

  /** Chooses ports and folders; starts nothing. */
  static async create(settings: ClusterSettings): Promise<Cluster> {
    const { program, flags = [] } = settings;
    const folder = scratchFolder(program.label);
    const ports = await freePorts(settings.members * 2);
    const places = Array.from({ length: settings.members }, (_, i) => ({
      name: `m${i + 1}`,
      clientPort: ports[2 * i] as number,
      peerPort: ports[2 * i + 1] as number,
    }));
    const initialCluster = places
      .map(({ name, peerPort }) => `${name}=http://127.0.0.1:${peerPort}`)
      .join(',');
    const members = places.map(
      (place) =>
        new Member({
          ...place,
          program,
          flags,
          initialCluster,
          dataDir: join(folder, `${place.name}.data`),
          logFile: join(folder, `${place.name}.log`),
        }),
    );
    return new Cluster(folder, members);
  }

  /** Creates and starts; a cluster that does not come up leaves nothing running. */
  static async start(settings: ClusterSettings): Promise<Cluster> {
    const cluster = await Cluster.create(settings);
    try {
      await cluster.startAll();
    } catch (error) {
      await cluster.destroy();
      throw error;
    }
    return cluster;
  }

  get clientUrls(): readonly string[] {
    return this.members.map((member) => member.clientUrl);
  }

  get running(): readonly Member[] {
    return this.members.filter((member) => member.isRunning);
  }

  async startAll(): Promise<void> {
    const stopped = this.members.filter((member) => !member.isRunning);
    for (const member of stopped) member.launch();
    await Promise.all(stopped.map((member) => member.ready()));
  }

  /** A client of that member; it is closed with the cluster. */
  client(member: Member): RawClient {
    let client = this.#clients.get(member);
    if (client === undefined) {
      client = new RawClient(member.target);
      this.#clients.set(member, client);
    }
    return client;
  }

  /** The member that a majority of all members, itself included, calls the leader. */
  async leader(): Promise<Member> {
    const deadline = performance.now() + leaderTimeoutMs;
    for (;;) {
      const leader = await this.#findLeader();
      if (leader !== undefined) return leader;
      if (performance.now() > deadline) {
        throw new Error(`no leader in time; newest output:\n${this.#tails()}`);
      }
      await sleep(pollMs);
    }
  }

  async #findLeader(): Promise<Member | undefined> {
    const views = await Promise.all(this.running.map((member) => this.#status(member)));
    for (const { member, status } of views) {
      const id = memberIdOf(status);
      if (id === undefined || status?.['leader'] !== id) continue;
      const followers = views.filter((view) => view.status?.['leader'] === id);
      if (followers.length * 2 > this.members.length) return member;
    }
    return undefined;
  }

  async #status(
    member: Member,
  ): Promise<{ readonly member: Member; readonly status: WireObject | undefined }> {
    const answer = await this.client(member).call('Maintenance.Status', {}, { deadlineMs: 1_000 });
    return { member, status: answer.ok ? answer.message : undefined };
  }

  #tails(): string {
    return this.members.map((member) => `${member.name}: ${member.tail}`).join('\n');
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
  }

  /** kill -9 for whatever runs, then removes the folder. */
  async destroy(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    await Promise.all(this.members.map((member) => member.kill()));
    this.#removeFolder();
  }
}

/** The id of the member that gave this answer. */
export function memberIdOf(message: WireObject | undefined): string | undefined {
  const header = message?.['header'] as WireObject | undefined;
  return header?.['member_id'] as string | undefined;
}
