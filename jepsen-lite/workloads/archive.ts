import { setTimeout as sleep } from 'node:timers/promises';
import type { WireObject } from '../../test/members/protocol.ts';
import { decodeKv, revisionOf } from '../client/codec.ts';
import { MemberClient } from '../client/member-client.ts';
import type { ArchivedEvent } from '../checkers/events.ts';
import { answerOf, get } from '../client/requests.ts';
import type { Endpoint, WorkloadContext } from '../types.ts';
import { onlookerProcesses, recordUntilOk } from './workers.ts';

/**
 * The archive of a run: a watch of the whole key space at every member from revision 1 on, resumed at once where it
 * breaks, so that no compaction overtakes it. What it was told is noted at the end, and says which writes in doubt
 * happened.
 */

const reconnectMs = 100;
const progressMs = 500;
/** A stream that says nothing, not even progress, for so long is opened anew. */
const silentMsMax = 5_000;
const settleMsMax = 20_000;
const eventsPerNote = 1_000;
const archiveWatchId = '1';

class MemberArchive {
  readonly endpoint: Endpoint;
  readonly events: ArchivedEvent[] = [];
  /** Up to here everything was told. */
  toldRevision = 1;
  /** What a compaction took away before it was told: first and last revision. */
  readonly gaps: (readonly [number, number])[] = [];
  private isStopped = false;
  private heardAtMs = 0;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  async run(): Promise<void> {
    while (!this.isStopped) {
      await this.follow();
      await sleep(reconnectMs);
    }
  }

  stop(): void {
    this.isStopped = true;
  }

  /** One stream, until it ends. */
  private async follow(): Promise<void> {
    const client = new MemberClient(this.endpoint);
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
    const startRevision = String(this.toldRevision + 1);
    const [key, range_end] = [Buffer.from('\0'), Buffer.from('\0')];
    const request = { key, range_end, start_revision: startRevision, watch_id: archiveWatchId };
    stream.send({ create_request: request });
    this.heardAtMs = performance.now();
    while (state.isOpen && !this.isStopped && performance.now() - this.heardAtMs < silentMsMax) {
      await sleep(progressMs);
      stream.send({ progress_request: {} });
    }
    stream.cancel();
    client.close();
  }

  /** Answers whether the stream goes on. */
  private take(message: WireObject): boolean {
    this.heardAtMs = performance.now();
    if (message['canceled'] === true) {
      const compacted = Number(message['compact_revision'] ?? 0);
      if (compacted > this.toldRevision + 1) {
        this.gaps.push([this.toldRevision + 1, compacted - 1]);
        this.toldRevision = compacted - 1;
      }
      return false;
    }
    if (message['created'] === true) return true;
    const events = (message['events'] ?? []) as readonly WireObject[];
    for (const event of events) this.events.push(decodeEvent(event));
    const last = this.events.at(-1)?.mod ?? 0;
    const revision = events.length > 0 ? last : revisionOf(message);
    this.toldRevision = Math.max(this.toldRevision, revision);
    return true;
  }
}

function decodeEvent(event: WireObject): ArchivedEvent {
  const kv = decodeKv(event['kv'] as WireObject);
  return event['type'] === 1
    ? { type: 'delete', key: kv.key, mod: kv.mod }
    : { type: 'put', ...kv };
}

export class Archive {
  private readonly members: readonly MemberArchive[];
  private readonly context: WorkloadContext;
  private readonly runs: readonly Promise<void>[];

  constructor(context: WorkloadContext) {
    this.context = context;
    this.members = context.endpoints.map((endpoint) => new MemberArchive(endpoint));
    this.runs = this.members.map((member) => member.run());
  }

  /** Waits until every member, or at least one within a limit, has told everything, and notes it. */
  async finish(): Promise<void> {
    const revision = await this.currentRevision();
    const deadline = performance.now() + settleMsMax;
    while (performance.now() < deadline) {
      if (this.members.every(({ toldRevision }) => toldRevision >= revision)) break;
      await sleep(progressMs / 5);
    }
    for (const member of this.members) member.stop();
    await Promise.all(this.runs);
    for (const [i, member] of this.members.entries()) this.note(member, onlookerProcesses + i);
  }

  private note({ endpoint, events, gaps, toldRevision }: MemberArchive, process: number): void {
    for (let at = 0; at === 0 || at < events.length; at += eventsPerNote) {
      const isLast = at + eventsPerNote >= events.length;
      this.context.recorder.note({
        process,
        member: endpoint.member,
        f: 'archive',
        input: { member: endpoint.member },
        output: {
          events: events.slice(at, at + eventsPerNote),
          ...(isLast ? { gaps, toldRevision } : {}),
        },
      });
    }
  }

  /**
   * By a read that is recorded: a store that has forgotten everything tells nobody of it who does not ask, and its
   * revision is then behind those that were answered before.
   */
  private async currentRevision(): Promise<number> {
    const last = await recordUntilOk(this.context, 'last read', get('none'));
    return (last && answerOf(last)?.revision) ?? Infinity;
  }
}
