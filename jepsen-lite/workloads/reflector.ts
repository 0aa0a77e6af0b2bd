import { setTimeout as sleep } from 'node:timers/promises';
import type { WireObject } from '../../test/members/protocol.ts';
import { decodeKv, revisionOf } from '../client/codec.ts';
import { MemberClient } from '../client/member-client.ts';
import type { Endpoint, WorkloadContext } from '../types.ts';
import { onlookerProcesses } from './workers.ts';

/**
 * A cache as Kubernetes keeps one: a list, then a watch from the revision behind it; a new list only where the
 * watch is compacted away. At each bookmark it is noted as it is.
 */

const bookmarkMs = 400;
const retryMs = 200;
/** A stream that says nothing for so long is opened anew. */
const silentMsMax = 4_000;

export interface ReflectorSettings {
  readonly context: WorkloadContext;
  readonly endpoint: Endpoint;
  readonly number: number;
  readonly key: string;
  readonly end: string;
}

export class Reflector {
  private readonly settings: ReflectorSettings;
  private readonly cache = new Map<string, number>();
  /** Everything up to here is in the cache; 0: it must be listed. */
  private revision = 0;
  private heardAtMs = 0;
  private isStopped = false;

  constructor(settings: ReflectorSettings) {
    this.settings = settings;
  }

  async run(): Promise<void> {
    while (!this.isStopped) {
      if (this.revision === 0) await this.list();
      if (this.revision > 0) await this.watch();
      await sleep(retryMs);
    }
  }

  stop(): void {
    this.isStopped = true;
  }

  private async list(): Promise<void> {
    const { context, endpoint, number, key, end } = this.settings;
    const client = new MemberClient(endpoint);
    const { member } = endpoint;
    // A process of its own for each list: one may end in doubt, and another then begins.
    const process = onlookerProcesses + 1_000 + number;
    const request = { success: [{ op: 'get' as const, key, end }] };
    const invocation = { process, member, f: 'list of a cache', input: request };
    await context.recorder.record(invocation, async () => {
      const answer = await client.kv(request);
      this.cache.clear();
      for (const kv of answer.results[0]?.kvs ?? []) this.cache.set(kv.key, kv.mod);
      this.revision = answer.revision;
      return answer;
    });
    client.close();
  }

  /** One stream, until it ends. */
  private async watch(): Promise<void> {
    const { endpoint, key, end } = this.settings;
    const client = new MemberClient(endpoint);
    const stream = client.watchStream();
    const state = { isOpen: true };
    stream.listen(
      ({ message }) => {
        if (state.isOpen) state.isOpen = this.take(message);
      },
      () => {
        state.isOpen = false;
      },
    );
    stream.send({
      create_request: {
        key: Buffer.from(key),
        range_end: Buffer.from(end),
        start_revision: String(this.revision + 1),
        watch_id: '1',
      },
    });
    this.heardAtMs = performance.now();
    while (state.isOpen && !this.isStopped && performance.now() - this.heardAtMs < silentMsMax) {
      await sleep(bookmarkMs);
      stream.send({ progress_request: {} });
    }
    state.isOpen = false;
    stream.cancel();
    client.close();
  }

  /** Answers whether the stream goes on. */
  private take(message: WireObject): boolean {
    this.heardAtMs = performance.now();
    if (message['canceled'] === true) {
      // Behind a compaction: from the beginning.
      if (Number(message['compact_revision'] ?? 0) > 0) this.revision = 0;
      return false;
    }
    if (message['created'] === true) return true;
    const events = (message['events'] ?? []) as readonly WireObject[];
    for (const event of events) {
      const { key, mod } = decodeKv(event['kv'] as WireObject);
      if (event['type'] === 1) this.cache.delete(key);
      else this.cache.set(key, mod);
      this.revision = Math.max(this.revision, mod);
    }
    if (events.length === 0) this.bookmark(revisionOf(message));
    return true;
  }

  private bookmark(revision: number): void {
    const { context, endpoint, number, key, end } = this.settings;
    this.revision = Math.max(this.revision, revision);
    context.recorder.note({
      process: onlookerProcesses + 1_000 + number,
      member: endpoint.member,
      f: 'cache',
      input: { key, end },
      output: { revision, items: [...this.cache] },
    });
  }
}
