import { EventType, DecodedEvent, type KeyValue } from '../../src/wire/mvccpb.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import type { ServerMember } from '../../src/server/member.ts';
import type { Watches, WatchOutput, WatchReceiver, WatchSpec } from '../../src/server/types.ts';
import type { Version, WatchEvent, WatchRequest } from '../guarantees/history.ts';
import type { RecordedWatch } from '../guarantees/recorded.ts';
import { bytesOf } from './cluster.ts';

export type StreamWatch = RecordedWatch<RecordedStream>;

export interface StreamEvents {
  /** Whether the client wants to take no more for a while. */
  hesitates(): boolean;
  compactedMax(): number;
  told(event: WatchEvent): void;
}

/** A client's stream of watches at one member: it records what it is told, and what it should not be told. */
export class RecordedStream implements WatchReceiver {
  readonly member: ServerMember;
  readonly violations: string[] = [];
  private readonly events: StreamEvents;
  private readonly watches: Watches;
  /** Asked for, and not created yet. */
  private readonly wanted: StreamWatch[] = [];
  private readonly created = new Map<bigint, StreamWatch>();
  /** Fell behind a compaction: they keep their ids, and progress waits for them, until the client cancels them. */
  private readonly lost = new Set<bigint>();
  private isHeld = false;
  private isClosed = false;

  constructor(member: ServerMember, events: StreamEvents) {
    this.member = member;
    this.events = events;
    this.watches = member.openWatches(this);
  }

  get isOpen(): boolean {
    return !this.isClosed && !this.member.hasStopped;
  }

  get count(): number {
    return this.wanted.length + this.created.size;
  }

  watch(watch: StreamWatch, id: bigint | undefined, fragment: boolean): void {
    watch.stream = this;
    this.wanted.push(watch);
    const refusal = this.watches.create(specOf(watch.request, id, fragment));
    if (refusal === undefined) return;
    watch.stream = undefined;
    this.wanted.splice(this.wanted.indexOf(watch), 1);
    if (refusal !== 'duplicateId') this.violations.push(`a watch was refused: ${refusal}`);
  }

  /** The client wants no more of this watch; what is on its way still comes. */
  cancel({ id }: StreamWatch): void {
    if (id !== undefined) this.watches.cancel(id);
  }

  requestProgress(): void {
    if (!this.isOpen) return;
    for (const id of this.lost) this.watches.cancel(id);
    this.watches.requestProgress();
  }

  /** Takes again what it was told to hold back. */
  resume(): void {
    if (!this.isHeld || !this.isOpen) return;
    this.isHeld = false;
    this.watches.resume();
  }

  /** The client goes away, or its member has. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (!this.member.hasStopped) this.watches.close();
    for (const watch of [...this.wanted, ...this.created.values()]) watch.stream = undefined;
  }

  receive(output: WatchOutput): boolean {
    if (!this.isOpen) this.violations.push(`${output.type} on a stream that is closed`);
    const isAnswer = output.type === 'created' || output.type === 'canceled';
    if (this.isHeld && !isAnswer) this.violations.push(`${output.type} while told to wait`);
    this.record(output);
    if (!this.isHeld) this.isHeld = this.events.hesitates();
    return !this.isHeld;
  }

  private record(output: WatchOutput): void {
    const { revision } = output;
    if (output.type === 'progress' && output.watchId === -1n) {
      for (const watch of this.created.values()) watch.notices.push({ type: 'progress', revision });
      return;
    }
    if (output.type === 'canceled' && this.lost.delete(output.watchId)) return;
    if (output.type === 'refused') return;
    const watch =
      output.type === 'created' ? this.wanted.shift() : this.created.get(output.watchId);
    if (watch === undefined) {
      this.violations.push(`${output.type} for ${output.watchId}, which is not there`);
      return;
    }
    switch (output.type) {
      case 'created':
        watch.id = output.watchId;
        this.created.set(output.watchId, watch);
        watch.notices.push({ type: 'created', revision });
        return;
      case 'progress':
        watch.notices.push({ type: 'progress', revision });
        return;
      case 'canceled':
        watch.stream = undefined;
        this.created.delete(output.watchId);
        if (output.compactRevision > 0) this.lost.add(output.watchId);
        watch.notices.push({ type: 'canceled', revision, compactRevision: output.compactRevision });
        return;
      case 'events': {
        const events = output.events.list.map(decodeEvent);
        const { isFragment } = output;
        const compactedMax = this.events.compactedMax();
        watch.notices.push({ type: 'events', revision, events, isFragment, compactedMax });
        for (const event of events) this.events.told(event);
      }
    }
  }
}

function specOf(request: WatchRequest, id: bigint | undefined, fragment: boolean): WatchSpec {
  const { key, rangeEnd, startRevision, prevKv, noPut, noDelete } = request;
  const from = bytesOf(key);
  const to = rangeEnd === undefined ? bytesOf(`${key}\0`) : bytesOf(rangeEnd);
  const range = { from, to: rangeEnd === '' ? undefined : to };
  return { id, range, startRevision, prevKv, noPut, noDelete, progressNotify: true, fragment };
}

function decodeEvent(encoded: Bytes): WatchEvent {
  const { type, kv, prevKv } = DecodedEvent.decode(encoded);
  if (kv === undefined) throw new Error('an event without a key');
  return {
    type: type === EventType.DELETE ? 'delete' : 'put',
    key: textOf(kv.key),
    kv: versionOf(kv),
    prev: prevKv === undefined ? undefined : versionOf(prevKv),
  };
}

function versionOf({ value, createRevision, modRevision, version, lease }: KeyValue): Version {
  return { value: textOf(value), createRevision, modRevision, version, lease };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
