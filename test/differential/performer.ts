import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../members/client.ts';
import type { WireObject } from '../members/protocol.ts';
import { spareKey } from './alarm-requests.ts';
import { difference } from './compare.ts';
import { KeepAlives } from './keep-alives.ts';
import { call, type Operation } from './operation.ts';
import { Pair, notifyIntervalMs, type AnswerPair, type PairSettings } from './pair.ts';
import type { Sides } from './sides.ts';
import { Watches, type WatchOutcome } from './watches.ts';

/** What came of an operation on both sides. */
export interface Performed extends AnswerPair {
  /** What differs; undefined when nothing does. */
  readonly what: string | undefined;
}

/** How long after its TTL a lease may still be there. */
const expiryTimeoutMs = 20_000;
const expiryPollMs = 50;
/** A tick may be skipped after an event, and each may be a tenth late. */
const notificationTimeoutMs = 10 * notifyIntervalMs;
const codeResourceExhausted = 8;
const codeDataLoss = 15;
const sparesTried = 8;

/** Carries operations out on both servers, whatever it takes of streams and waiting, and compares. */
export class Performer {
  readonly #pair: Pair;
  readonly #watches: Watches;
  readonly #keepAlives: KeepAlives;
  readonly #expiryMs: (lease: string) => number;
  #isRestarted = false;
  #spare = 0;

  private constructor(pair: Pair, expiryMs: (lease: string) => number) {
    this.#pair = pair;
    this.#expiryMs = expiryMs;
    this.#watches = new Watches({
      members: pair.subjectMembers,
      open: (member) => pair.open('Watch.Watch', member),
      catchUp: (member) => pair.catchUp(member),
      writeBarrier: () => this.#writeBarrier(),
    });
    this.#keepAlives = new KeepAlives({
      names: pair.names,
      openKeepAlive: () => pair.open('Lease.LeaseKeepAlive', 0),
      catchUp: () => pair.catchUp(0),
    });
  }

  /** `expiryMs` tells when a lease expires, on the clock of this process. */
  static async start(
    settings: PairSettings,
    expiryMs: (lease: string) => number = () => 0,
  ): Promise<Performer> {
    return new Performer(await Pair.start(settings), expiryMs);
  }

  async perform(operation: Operation): Promise<Performed> {
    switch (operation.kind) {
      case 'watch':
        return performed(await this.#watches.step(operation));
      case 'settle':
        return performed(await this.#watches.settle());
      case 'expiry':
        return this.#expire(operation.leases);
      case 'keepAlive': {
        const { what, replies } = await this.#keepAlives.step(operation);
        return {
          what,
          reference: messageAnswer({ replies: replies.reference }),
          subject: messageAnswer({ replies: replies.subject }),
        };
      }
      default:
        return this.#ask(operation);
    }
  }

  /** kill -9 for the subject in the middle of everything. Returns what its streams had told wrongly. */
  async restart(): Promise<Performed> {
    await this.#pair.restartSubject();
    this.#isRestarted = true;
    this.#keepAlives.drop();
    return performed(await this.#watches.resume());
  }

  /** To be called when nothing more is written. */
  async awaitNotifications(revision: number): Promise<Performed> {
    return performed(await this.#watches.awaitNotifications(revision, notificationTimeoutMs));
  }

  describeTally(): string {
    const counts = Object.entries(this.#watches.tally);
    return counts.map(([what, count]) => `${what} ${String(count)}`).join(', ');
  }

  describeDead(): string | undefined {
    return this.#pair.describeDead();
  }

  destroy(): Promise<void> {
    return this.#pair.destroy();
  }

  get #sides(): Sides {
    return {
      ...this.#pair.names,
      isRestarted: this.#isRestarted,
      hasOneMember: this.#pair.subjectMembers === 1,
      expiryMs: this.#expiryMs,
    };
  }

  async #ask(operation: Operation): Promise<Performed> {
    // A watch that has not caught up would be canceled by a compaction on one side only.
    if (operation.kind === 'call' && operation.method === 'KV.Compact') {
      const settled = await this.#watches.settle();
      if (settled.what !== undefined) return performed(settled);
    }
    const answers = await this.#pair.ask(operation);
    return { ...answers, what: this.#difference(operation, answers) };
  }

  #difference(operation: Operation, { reference, subject }: AnswerPair): string | undefined {
    return difference(operation, reference, subject, this.#sides);
  }

  async #expire(leases: readonly string[]): Promise<Performed> {
    const deadline = performance.now() + expiryTimeoutMs;
    for (;;) {
      const asked = await Promise.all(
        leases.map((ID) => this.#pair.ask(call('Lease.LeaseTimeToLive', { ID }))),
      );
      if (asked.every(({ reference, subject }) => isGone(reference) && isGone(subject))) {
        return performed({ created: [], what: undefined });
      }
      if (performance.now() > deadline) {
        const late = asked.find(({ reference, subject }) => !isGone(reference) || !isGone(subject));
        return { ...(late as AnswerPair), what: 'a lease does not expire' };
      }
      await sleep(expiryPollMs);
    }
  }

  /** A put; where nothing can be put a deletion; where nothing can be written there is nothing to wait for. */
  async #writeBarrier(): Promise<number | string> {
    const put = call('KV.Put', { key: Buffer.from('~') });
    const { reference, what } = await this.#ask(put);
    if (what !== undefined) return `a put to ~: ${what}`;
    if (reference.ok) return revisionOf(reference.message);
    if (reference.code === codeDataLoss) return 0;
    if (reference.code !== codeResourceExhausted) return `a put to ~: ${reference.text}`;
    for (let i = 0; i < sparesTried; i++) {
      const key = spareKey(this.#spare++);
      const deleted = await this.#ask(call('KV.DeleteRange', { key }));
      if (deleted.what !== undefined) return `a deletion below ~: ${deleted.what}`;
      const { reference: answer } = deleted;
      if (answer.ok && Number(answer.message['deleted'] ?? 0) > 0) {
        return revisionOf(answer.message);
      }
    }
    return 0;
  }
}

function isGone(answer: Answer): boolean {
  return answer.ok && answer.message['TTL'] === '-1';
}

function revisionOf(message: WireObject): number {
  return Number((message['header'] as WireObject | undefined)?.['revision'] ?? 0);
}

/** The outcome of something that is no single call, in the form of answers. */
function performed({ created, what, said }: WatchOutcome): Performed {
  return {
    what,
    reference: messageAnswer({ created, said: said?.reference }),
    subject: messageAnswer({ said: said?.subject }),
  };
}

function messageAnswer(message: WireObject): Answer {
  return { ok: true, message, raw: new Uint8Array(0), messages: 1 };
}
