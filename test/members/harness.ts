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
  /** Where the folder of their data is made; `scratchFolder` chooses otherwise. */
  readonly parentFolder?: string | undefined;
}

const leaderTimeoutMs = 20_000;
const pollMs = 25;

/** A change of the members that was not made, or of which nobody knows. */
export class ChangeRefused extends Error {}

/** Members of one program on the loopback interface, with their data in a folder of their own. */
export class Cluster {
  readonly folder: string;
  readonly #settings: ClusterSettings;
  #members: readonly Member[];
  readonly #removed: Member[] = [];
  readonly #removeFolder: () => void;
  readonly #clients = new Map<Member, RawClient>();
  readonly #ids = new Map<Member, string>();

  private constructor(folder: string, settings: ClusterSettings, members: readonly Member[]) {
    this.folder = folder;
    this.#settings = settings;
    this.#removeFolder = guardedFolder(folder);
    this.#members = members;
  }

  /** Those that are in the cluster, or about to be. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** Those that were removed, their processes ended or ending. */
  get removed(): readonly Member[] {
    return this.#removed;
  }

  /** Chooses ports and folders; starts nothing. */
  static async create(settings: ClusterSettings): Promise<Cluster> {
    const { program, flags = [] } = settings;
    const folder = scratchFolder(program.label, settings.parentFolder);
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
    return new Cluster(folder, settings, members);
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

  /**
   * Adds a member by one request to a member that runs, and prepares its process as `etcdctl member add` says; it is
   * not started: `member.start()`, which for a learner waits until it has caught up so far as to know itself.
   * @throws ChangeRefused when the cluster refuses it.
   */
  async addMember(
    name: string,
    options: { readonly isLearner?: boolean; readonly via?: Member } = {},
  ): Promise<Member> {
    const { isLearner = false, via = await this.leader() } = options;
    const [clientPort, peerPort] = (await freePorts(2)) as [number, number];
    const request = { peerURLs: [`http://127.0.0.1:${peerPort}`], isLearner };
    const answer = await this.#change(via, 'MemberAdd', request);
    const added = answer['member'] as WireObject;
    const initialCluster = (answer['members'] as readonly WireObject[])
      .flatMap((each) => {
        const itsName = each['ID'] === added['ID'] ? name : String(each['name']);
        return (each['peerURLs'] as readonly string[]).map((url) => `${itsName}=${url}`);
      })
      .join(',');
    const member = new Member({
      name,
      clientPort,
      peerPort,
      program: this.#settings.program,
      flags: [...(this.#settings.flags ?? []), '--initial-cluster-state=existing'],
      initialCluster,
      dataDir: join(this.folder, `${name}.data`),
      logFile: join(this.folder, `${name}.log`),
    });
    this.#members = [...this.#members, member];
    this.#ids.set(member, String(added['ID']));
    return member;
  }

  /** Makes a voter of a learner. @throws ChangeRefused */
  async promoteMember(member: Member, via?: Member): Promise<void> {
    const request = { ID: await this.idOf(member) };
    await this.#change(via ?? (await this.leader()), 'MemberPromote', request);
  }

  /** Removes a member, which then ends by itself if it runs (`member.exited()`). @throws ChangeRefused */
  async removeMember(member: Member, via?: Member): Promise<void> {
    const request = { ID: await this.idOf(member) };
    await this.#change(via ?? (await this.leader()), 'MemberRemove', request);
    this.forget(member);
  }

  /** It is no member any more, as is known from elsewhere. */
  forget(member: Member): void {
    this.#members = this.#members.filter((each) => each !== member);
    this.#removed.push(member);
  }

  /** Decimal. */
  async idOf(member: Member): Promise<string> {
    const known = this.#ids.get(member);
    if (known !== undefined) return known;
    const { status } = await this.#status(member);
    const id = memberIdOf(status);
    if (id === undefined) throw new Error(`${member.name} does not answer`);
    this.#ids.set(member, id);
    return id;
  }

  async #change(via: Member, method: string, request: object): Promise<WireObject> {
    const answer = await this.client(via).call(`Cluster.${method}`, request);
    if (!answer.ok) throw new ChangeRefused(`${method} by ${via.name}: ${answer.text}`);
    return answer.message;
  }

  /** kill -9 for whatever runs, then removes the folder. */
  async destroy(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    await Promise.all([...this.#members, ...this.#removed].map((member) => member.kill()));
    this.#removeFolder();
  }
}

/** The id of the member that gave this answer. */
export function memberIdOf(message: WireObject | undefined): string | undefined {
  const header = message?.['header'] as WireObject | undefined;
  return header?.['member_id'] as string | undefined;
}
