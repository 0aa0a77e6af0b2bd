import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './client.ts';
import type { Cluster } from './harness.ts';
import type { Member } from './member.ts';
import type { WireObject } from './protocol.ts';

/** A write that was answered with success. */
interface Acknowledged {
  readonly value: string;
  readonly revision: string;
}

export interface LoadSettings {
  readonly writers: number;
  /** Pause of one writer between two writes. */
  readonly pauseMs: number;
  /** Values are made at least so long. */
  readonly valueBytes?: number;
}

const putDeadlineMs = 2_000;
/** Every so many writes a writer reads the last one back on another member. */
const readEvery = 7;
const pageKeys = 1_000;
const prefix = 'load/';
const prefixEnd = 'load0';

/**
 * Writers that put one fresh key after the other, on whichever member answers, and remember what was
 * acknowledged. A write that failed may or may not be there; nothing is concluded from it.
 */
export class Load {
  readonly #cluster: Cluster;
  readonly #settings: LoadSettings;
  readonly #acknowledged = new Map<string, Acknowledged>();
  readonly #attempted = new Set<string>();
  readonly #violations: string[] = [];
  #isStopped = true;
  #writers: readonly Promise<void>[] = [];
  /** Distinguishes the keys of one `run` from those of the next. */
  #generation = 0;

  constructor(cluster: Cluster, settings: LoadSettings) {
    this.#cluster = cluster;
    this.#settings = settings;
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** Every write that was acknowledged. */
  get writes(): readonly { key: string; value: string; revision: number }[] {
    return [...this.#acknowledged].map(([key, { value, revision }]) => ({
      key,
      value,
      revision: Number(revision),
    }));
  }

  /** What a reader saw that linearizability forbids. */
  get violations(): readonly string[] {
    return this.#violations;
  }

  run(): void {
    this.#isStopped = false;
    const generation = this.#generation++;
    this.#writers = Array.from({ length: this.#settings.writers }, (_, i) =>
      this.#write(`${prefix}${generation}/${i}/`, i),
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#writers);
  }

  /** Waits until so many more writes are acknowledged. */
  async progress(count: number, timeoutMs: number): Promise<void> {
    const wanted = this.acknowledged + count;
    const deadline = performance.now() + timeoutMs;
    while (this.acknowledged < wanted) {
      if (performance.now() > deadline) {
        const short = wanted - this.acknowledged;
        throw new Error(`${short} of ${count} writes were not acknowledged in ${timeoutMs} ms`);
      }
      await sleep(10);
    }
  }

  async #write(keys: string, writer: number): Promise<void> {
    for (let i = 0, turn = writer; !this.#isStopped; i++) {
      const member = this.#memberAt(turn);
      if (member === undefined) {
        await sleep(50);
        continue;
      }
      const key = `${keys}${i}`;
      this.#attempted.add(key);
      const value = String(i).padEnd(this.#settings.valueBytes ?? 0, '.');
      const request = { key: Buffer.from(key), value: Buffer.from(value) };
      const answer = await this.#cluster
        .client(member)
        .call('KV.Put', request, { deadlineMs: putDeadlineMs });
      if (answer.ok) {
        this.#acknowledged.set(key, { value, revision: revisionOf(answer) });
        if (i % readEvery === 0) await this.#readBack(key, turn + 1);
      } else turn++;
      await sleep(this.#settings.pauseMs);
    }
  }

  /** A linearizable read on any member must show a write that was acknowledged before it began. */
  async #readBack(key: string, turn: number): Promise<void> {
    const member = this.#memberAt(turn);
    if (member === undefined) return;
    const answer = await this.#cluster
      .client(member)
      .call('KV.Range', { key: Buffer.from(key) }, { deadlineMs: putDeadlineMs });
    if (answer.ok && answer.message['count'] !== '1') {
      this.#violations.push(
        `${key} was acknowledged, and a later read on ${member.name} misses it`,
      );
    }
  }

  #memberAt(turn: number): Member | undefined {
    const { running } = this.#cluster;
    return running[turn % running.length];
  }

  /** What is wrong with what `member` has, compared with what was acknowledged; the load must be stopped. */
  async audit(member: Member): Promise<readonly string[]> {
    const found = await this.#readAll(member);
    const wrong: string[] = [];
    for (const [key, { value, revision }] of this.#acknowledged) {
      const pair = found.get(key);
      if (pair === undefined) wrong.push(`${key} was acknowledged at ${revision} and is lost`);
      else if (pair.value !== value || pair.revision !== revision) {
        wrong.push(`${key} is ${pair.value} at ${pair.revision}, not ${value} at ${revision}`);
      }
    }
    for (const key of found.keys()) {
      if (!this.#attempted.has(key)) wrong.push(`${key} is there and nobody wrote it`);
    }
    return wrong;
  }

  async #readAll(member: Member): Promise<ReadonlyMap<string, Acknowledged>> {
    const found = new Map<string, Acknowledged>();
    for (let from = prefix; ;) {
      const page = await this.#page(member, from);
      for (const kv of page.kvs) {
        found.set(textOf(kv['key']), {
          value: textOf(kv['value']),
          revision: String(kv['mod_revision']),
        });
      }
      if (!page.more) return found;
      from = `${textOf(page.kvs.at(-1)?.['key'])}\0`;
    }
  }

  async #page(
    member: Member,
    from: string,
  ): Promise<{ readonly kvs: readonly WireObject[]; readonly more: boolean }> {
    const request = {
      key: Buffer.from(from),
      range_end: Buffer.from(prefixEnd),
      limit: String(pageKeys),
    };
    const answer = await this.#cluster.client(member).call('KV.Range', request);
    if (!answer.ok) throw new Error(`reading back on ${member.name}: ${answer.text}`);
    const kvs = (answer.message['kvs'] ?? []) as readonly WireObject[];
    return { kvs, more: answer.message['more'] === true };
  }
}

function revisionOf(answer: Answer): string {
  const header = answer.ok ? (answer.message['header'] as WireObject | undefined) : undefined;
  return String(header?.['revision']);
}

function textOf(value: unknown): string {
  return Buffer.from((value as Uint8Array | undefined) ?? []).toString();
}
