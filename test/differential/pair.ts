import type { Answer } from '../members/client.ts';
import { Cluster } from '../members/harness.ts';
import type { Member } from '../members/member.ts';
import { etcd, type Program } from '../members/programs.ts';
import { encodeOperation, isLocal, mayMutate, type Operation } from './operation.ts';

export interface PairSettings {
  readonly subject: Program;
  readonly subjectMembers: number;
}

export interface AnswerPair {
  readonly reference: Answer;
  readonly subject: Answer;
}

const operationTimeoutMs = 20_000;

/** A fresh etcd of one member and a fresh subject, which get the same operations. */
export class Pair {
  readonly #reference: Cluster;
  readonly #subject: Cluster;
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
    const flags = ['--unsafe-no-fsync', '--heartbeat-interval=20', '--election-timeout=200'];
    const [reference, subject] = await Promise.allSettled([
      Cluster.start({ program: etcd, members: 1, flags }),
      Cluster.start({ program: settings.subject, members: settings.subjectMembers }),
    ]);
    if (reference.status === 'fulfilled' && subject.status === 'fulfilled') {
      return new Pair(reference.value, subject.value);
    }
    for (const side of [reference, subject]) {
      if (side.status === 'fulfilled') await side.value.destroy();
    }
    throw reference.status === 'rejected'
      ? reference.reason
      : (subject as PromiseRejectedResult).reason;
  }

  async ask(operation: Operation): Promise<AnswerPair> {
    const bytes = encodeOperation(operation);
    const onReference = this.#reference.members[0] as Member;
    const onSubject = this.#memberFor(operation);
    const [reference, subject] = await Promise.all([
      send(this.#reference, onReference, operation, bytes),
      send(this.#subject, onSubject, operation, bytes),
    ]);
    return { reference, subject };
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
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#reference.destroy(), this.#subject.destroy()]);
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

function send(
  cluster: Cluster,
  member: Member,
  operation: Operation,
  bytes: Uint8Array,
): Promise<Answer> {
  const client = cluster.client(member);
  const options = { deadlineMs: operationTimeoutMs };
  if (operation.kind === 'path') return client.callPath(operation.path, options);
  return client.callRaw(operation.method, bytes, options);
}
