import type { Answer, RawClient } from '../members/client.ts';
import { Cluster, memberIdOf } from '../members/harness.ts';
import type { Member } from '../members/member.ts';
import { etcd, type Program } from '../members/programs.ts';
import type { WireObject } from '../members/protocol.ts';
import type { RawStream } from '../members/raw-stream.ts';
import { Names, ownMember } from './names.ts';
import { call, encodeOperation, isLocal, mayMutate, type Operation } from './operation.ts';

export interface PairSettings {
  readonly subject: Program;
  readonly subjectMembers: number;
}

export interface AnswerPair {
  readonly reference: Answer;
  readonly subject: Answer;
}

export interface StreamPair {
  readonly reference: RawStream;
  readonly subject: RawStream;
}

const operationTimeoutMs = 20_000;
/** How often idle watches that ask for it are notified of their progress. */
export const notifyIntervalMs = 500;
const notifyFlag = `--watch-progress-notify-interval=${notifyIntervalMs}ms`;

/** A fresh etcd of one member and a fresh subject, which get the same operations. */
export class Pair {
  readonly #reference: Cluster;
  readonly #subject: Cluster;
  /** What either side calls what it numbers by itself. */
  readonly names = { reference: new Names(), subject: new Names() };
  #turn = 0;
  /** The subject's member that has applied every write so far, because it answered the last one. */
  #newest: Member;

  private constructor(reference: Cluster, subject: Cluster) {
    this.#reference = reference;
    this.#subject = subject;
    this.#newest = subject.members[0] as Member;
  }

  static async start(settings: PairSettings): Promise<Pair> {
    // What the reference would lose in a power failure is of no interest here, its speed is.
    const flags = ['--unsafe-no-fsync', '--heartbeat-interval=20', notifyFlag];
    const { subject: program, subjectMembers: members } = settings;
    const [reference, subject] = await Promise.allSettled([
      Cluster.start({ program: etcd, members: 1, flags }),
      Cluster.start({ program, members, flags: [notifyFlag] }),
    ]);
    if (reference.status === 'fulfilled' && subject.status === 'fulfilled') {
      const pair = new Pair(reference.value, subject.value);
      await pair.#learnMembers();
      return pair;
    }
    for (const side of [reference, subject]) {
      if (side.status === 'fulfilled') await side.value.destroy();
    }
    throw reference.status === 'rejected'
      ? reference.reason
      : (subject as PromiseRejectedResult).reason;
  }

  get subjectMembers(): number {
    return this.#subject.members.length;
  }

  async ask(operation: Operation): Promise<AnswerPair> {
    const onSubject = this.#memberFor(operation);
    const [reference, subject] = await Promise.all([
      send(this.#referenceClient, operation, this.names.reference),
      send(this.#subject.client(onSubject), operation, this.names.subject),
    ]);
    if (operation.kind === 'call' && operation.grants !== undefined) {
      this.#learnLease(operation.grants, { reference, subject });
    }
    return { reference, subject };
  }

  /** Opens a stream on both sides, at the subject's member of that number, or at the one that is up to date. */
  open(method: string, member?: number): StreamPair {
    const onSubject = member === undefined ? this.#newest : this.#memberAt(member);
    return {
      reference: this.#referenceClient.open(method),
      subject: this.#subject.client(onSubject).open(method),
    };
  }

  /** Returns when that member of the subject has applied every write so far. */
  async catchUp(member: number): Promise<void> {
    const onSubject = this.#memberAt(member);
    if (onSubject === this.#newest) return;
    const read = { key: Buffer.from('~'), count_only: true };
    await this.#subject.client(onSubject).call('KV.Range', read);
  }

  /** What ended by itself, with its newest output; undefined while all run. */
  describeDead(): string | undefined {
    const all = [...this.#reference.members, ...this.#subject.members];
    const dead = all.filter((member) => !member.isRunning);
    if (dead.length === 0) return undefined;
    return dead
      .map((member) => `${member.settings.program.label} ${member.name} ended:\n${member.tail}`)
      .join('\n');
  }

  /** kill -9 for all members of the subject at once, and starts them again. */
  async restartSubject(): Promise<void> {
    await Promise.all(this.#subject.members.map((member) => member.kill()));
    await this.#subject.startAll();
    await this.#subject.leader();
    for (const member of this.#subject.members.keys()) await this.catchUp(member);
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#reference.destroy(), this.#subject.destroy()]);
  }

  get #referenceClient(): RawClient {
    return this.#reference.client(this.#reference.members[0] as Member);
  }

  #memberAt(member: number): Member {
    const { members } = this.#subject;
    return members[member % members.length] as Member;
  }

  async #learnMembers(): Promise<void> {
    const { reference, subject } = await this.ask(call('Maintenance.Status', {}));
    for (const [side, answer] of Object.entries({ reference, subject })) {
      const id = answer.ok ? memberIdOf(answer.message) : undefined;
      if (id !== undefined) this.names[side as keyof typeof this.names].learn(ownMember, id);
    }
  }

  #learnLease(name: string, { reference, subject }: AnswerPair): void {
    if (!reference.ok || !subject.ok) return;
    this.names.reference.learn(name, idIn(reference.message));
    this.names.subject.learn(name, idIn(subject.message));
  }

  #memberFor(operation: Operation): Member {
    if (!mayMutate(operation) && isLocal(operation)) return this.#newest;
    const { members } = this.#subject;
    const member = members[this.#turn++ % members.length] as Member;
    if (!mayMutate(operation)) return member;
    // A transaction may turn out to be a local read: it goes where everything is applied.
    if (isLocal(operation)) return this.#newest;
    this.#newest = member;
    return member;
  }
}

function idIn(message: WireObject): string {
  return String(message['ID'] ?? '0');
}

function send(client: RawClient, operation: Operation, names: Names): Promise<Answer> {
  const options = { deadlineMs: operationTimeoutMs };
  if (operation.kind === 'path') return client.callPath(operation.path, options);
  if (operation.kind !== 'call' && operation.kind !== 'bytes') {
    throw new Error(`${operation.kind} is not one call`);
  }
  return client.callRaw(operation.method, encodeOperation(operation, names), options);
}
