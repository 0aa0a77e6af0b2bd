import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/base/random.ts';
import {
  EventHistory,
  type Version,
  type WatchEvent,
  type WatchRequest,
} from '../guarantees/history.ts';
import { RecordedWatcher, type RecordedWatch } from '../guarantees/recorded.ts';
import { checkAcknowledged, checkWatchers, type Acknowledged } from '../guarantees/watch-checks.ts';
import { RawClient } from './client.ts';
import type { WireObject } from './protocol.ts';
import type { RawStream } from './raw-stream.ts';

/** Clients that watch real members, go elsewhere when theirs is gone, and write down what they are told. */

/** Where watchers may go: members that run, or may be running. */
export interface WatchedMembers {
  readonly running: readonly WatchedMember[];
}

export interface WatchedMember {
  readonly name: string;
  /** `host:port` for clients. */
  readonly target: string;
}

export interface WatchersSettings {
  readonly streams: number;
  readonly watchersPerStream: number;
  readonly random: Random;
  /** What the watcher of this number on that stream asks for. */
  readonly requestOf: (stream: number, watcher: number) => WatchRequest;
  /** How often a stream asks for progress, and looks whether it must go elsewhere. */
  readonly progressMs?: number;
  /** How often, when a stream asks for progress, it goes elsewhere for no reason; none without it. */
  readonly leavePerCent?: number;
  /** Each event that anybody is told of. */
  readonly told?: (event: WatchEvent) => void;
  /** Whether large answers may come in parts. */
  readonly fragment?: boolean;
  /** How a value is written down; as text without it. */
  readonly readValue?: (bytes: Uint8Array) => string;
}

const progressMsDefault = 75;
/** A client that is told nothing for so long, not even progress, goes elsewhere. */
const silentMsMax = 4_000;
const settlingMs = 20_000;
const pollMs = 50;

export const everything: WatchRequest = {
  key: '\0',
  rangeEnd: '',
  startRevision: 1,
  prevKv: true,
  noPut: false,
  noDelete: false,
};

type LiveWatch = RecordedWatch<WatchStream>;

/** One stream at one member after the other, with the same watchers on it. */
class WatchStream {
  readonly watchers: readonly RecordedWatcher<WatchStream>[];
  readonly violations: string[] = [];
  private readonly cluster: WatchedMembers;
  private readonly random: Random;
  private readonly progressMs: number;
  private leavePerCent: number;
  private readonly told: (event: WatchEvent) => void;
  private readonly fragment: boolean;
  private readonly readValue: (bytes: Uint8Array) => string;
  private client: RawClient | undefined;
  private stream: RawStream | undefined;
  private memberName = '';
  private byId = new Map<string, LiveWatch>();
  private heardAtMs = 0;
  private isStopped = false;
  reconnections = -1;
  /** The highest revision that was asked to be compacted. */
  compactedMax = 0;

  constructor(
    cluster: WatchedMembers,
    {
      random,
      progressMs = progressMsDefault,
      leavePerCent = 0,
      told = () => undefined,
      fragment = false,
      readValue = textOf,
    }: WatchersSettings,
    watchers: readonly RecordedWatcher<WatchStream>[],
  ) {
    this.cluster = cluster;
    this.random = random;
    this.progressMs = progressMs;
    this.leavePerCent = leavePerCent;
    this.told = told;
    this.fragment = fragment;
    this.readValue = readValue;
    this.watchers = watchers;
  }

  async run(): Promise<void> {
    while (!this.isStopped) {
      const isLeaving = this.random.below(100) < this.leavePerCent;
      if (isLeaving || performance.now() - this.heardAtMs > silentMsMax) this.disconnect();
      if (this.stream === undefined) this.connect();
      for (const watcher of this.watchers) {
        if (watcher.current === undefined && this.stream !== undefined) this.watch(watcher);
      }
      this.stream?.send({ progress_request: {} });
      await sleep(this.progressMs / 2 + this.random.below(this.progressMs));
    }
    this.disconnect();
  }

  stop(): void {
    this.isStopped = true;
  }

  stay(): void {
    this.leavePerCent = 0;
  }

  private connect(): void {
    const { running } = this.cluster;
    const member = running[this.random.below(Math.max(1, running.length))];
    if (member === undefined) return;
    this.reconnections++;
    this.memberName = member.name;
    this.heardAtMs = performance.now();
    const client = new RawClient(member.target);
    const stream = client.open('Watch.Watch');
    this.client = client;
    this.stream = stream;
    stream.listen(
      ({ message }) => this.received(message, member),
      () => {
        if (this.stream === stream) this.disconnect();
      },
    );
  }

  private watch(watcher: RecordedWatcher<WatchStream>): void {
    const watch = watcher.next();
    watch.stream = this;
    watch.member = this.memberName;
    watch.id = BigInt(this.byId.size + 1);
    this.byId.set(String(watch.id), watch);
    const request = createRequest(watch.request, watch.id);
    this.stream?.send({ create_request: { ...request, fragment: this.fragment } });
  }

  /** Those that are open end here; what was on its way is lost. */
  private disconnect(): void {
    const { stream, client } = this;
    this.stream = undefined;
    stream?.cancel();
    client?.close();
    for (const watch of this.byId.values()) watch.stream = undefined;
    this.byId = new Map();
  }

  private received(message: WireObject, member: WatchedMember): void {
    if (this.stream === undefined) return;
    this.heardAtMs = performance.now();
    const id = String(message['watch_id'] ?? '0');
    const revision = revisionOf(message);
    const events = (message['events'] ?? []) as readonly WireObject[];
    const compactRevision = Number(message['compact_revision'] ?? 0);
    if (id === '-1' && events.length === 0 && message['canceled'] !== true) {
      for (const watch of this.byId.values()) {
        const isOpen = watch.stream !== undefined && watch.notices.length > 0;
        if (!isOpen) continue;
        watch.notices.push({ type: 'progress', revision });
        watch.heardAtMs.push(this.heardAtMs);
      }
      return;
    }
    const watch = this.byId.get(id);
    watch?.heardAtMs.push(this.heardAtMs);
    if (watch === undefined) this.violations.push(`${member.name} speaks of watch ${id}`);
    else if (message['created'] === true) watch.notices.push({ type: 'created', revision });
    else if (message['canceled'] === true) this.canceled(watch, revision, compactRevision);
    else if (events.length === 0) watch.notices.push({ type: 'progress', revision });
    else {
      const isFragment = message['fragment'] === true;
      const decoded = events.map((event) => decodeEvent(event, this.readValue));
      for (const event of decoded) this.told(event);
      watch.notices.push({
        type: 'events',
        revision,
        events: decoded,
        isFragment,
        compactedMax: this.compactedMax,
      });
    }
  }

  private canceled(watch: LiveWatch, revision: number, compactRevision: number): void {
    // What fell behind a compaction keeps its id, and progress waits for it, until the client cancels it.
    if (watch.stream === undefined && compactRevision === 0) return;
    if (compactRevision > 0) this.stream?.send({ cancel_request: { watch_id: String(watch.id) } });
    watch.notices.push({ type: 'canceled', revision, compactRevision });
    watch.stream = undefined;
  }
}

export class Watchers {
  private readonly streams: readonly WatchStream[];
  private runs: readonly Promise<void>[] = [];

  constructor(cluster: WatchedMembers, settings: WatchersSettings) {
    const { requestOf } = settings;
    this.streams = Array.from({ length: settings.streams }, (_, i) => {
      const watchers = Array.from({ length: settings.watchersPerStream }, (_each, j) => {
        return new RecordedWatcher<WatchStream>(`watcher ${i}.${j}`, requestOf(i, j));
      });
      return new WatchStream(cluster, settings, watchers);
    });
  }

  /** To be called before a compaction is asked for. */
  compacting(revision: number): void {
    for (const stream of this.streams) {
      stream.compactedMax = Math.max(stream.compactedMax, revision);
    }
  }

  run(): void {
    this.runs = this.streams.map((stream) => stream.run());
  }

  /** From now on nobody goes elsewhere for no reason. */
  stay(): void {
    for (const stream of this.streams) stream.stay();
  }

  async stop(): Promise<void> {
    for (const stream of this.streams) stream.stop();
    await Promise.all(this.runs);
  }

  /** Waits until every watch has been told everything up to `revision`. */
  async told(revision: number, timeoutMs = settlingMs): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const late = this.watchers.filter(({ current }) => (current?.toldRevision ?? 0) < revision);
      if (late.length === 0) return;
      if (performance.now() > deadline) {
        const names = late.map(({ name, current }) => `${name} at ${current?.toldRevision}`);
        throw new Error(`not told of ${revision}: ${names.slice(0, 5).join(', ')}`);
      }
      await sleep(pollMs);
    }
  }

  /** The same, and stops: what has not come by then is missing. */
  async settle(revision: number): Promise<void> {
    await this.told(revision);
    for (const { current } of this.watchers) {
      if (current !== undefined) current.settledRevision = revision;
    }
    await this.stop();
  }

  /** What happened, as far as anybody was told. */
  get history(): EventHistory {
    return EventHistory.seenBy(this.watchers);
  }

  /** What broke a promise, against what all of them together were told and what was acknowledged. */
  check(writes: readonly Acknowledged[]): readonly string[] {
    const { history } = this;
    return [
      ...this.violations,
      ...checkWatchers(this.watchers, history),
      ...checkAcknowledged(history, writes),
    ];
  }

  /** Answers about watches that nobody opened. */
  get violations(): readonly string[] {
    return this.streams.flatMap(({ violations }) => violations);
  }

  get watchers(): readonly RecordedWatcher<WatchStream>[] {
    return this.streams.flatMap(({ watchers }) => watchers);
  }

  get reconnections(): number {
    return this.streams.reduce((sum, each) => sum + each.reconnections, 0);
  }
}

const filterNoPut = 0;
const filterNoDelete = 1;

function createRequest(request: WatchRequest, id: bigint): WireObject {
  const { key, rangeEnd, startRevision, prevKv, noPut, noDelete } = request;
  return {
    key: Buffer.from(key),
    ...(rangeEnd === undefined
      ? {}
      : { range_end: Buffer.from(rangeEnd === '' ? '\0' : rangeEnd) }),
    start_revision: String(startRevision),
    prev_kv: prevKv,
    filters: [...(noPut ? [filterNoPut] : []), ...(noDelete ? [filterNoDelete] : [])],
    watch_id: String(id),
  };
}

type ReadValue = (bytes: Uint8Array) => string;

function decodeEvent(event: WireObject, readValue: ReadValue): WatchEvent {
  const kv = event['kv'] as WireObject;
  const prev = event['prev_kv'] as WireObject | undefined | null;
  return {
    type: event['type'] === 1 ? 'delete' : 'put',
    key: textOf(kv['key']),
    kv: versionOf(kv, readValue),
    prev: prev === undefined || prev === null ? undefined : versionOf(prev, readValue),
  };
}

function versionOf(kv: WireObject, readValue: ReadValue): Version {
  return {
    value: readValue((kv['value'] as Uint8Array | undefined) ?? nothing),
    createRevision: Number(kv['create_revision'] ?? 0),
    modRevision: Number(kv['mod_revision'] ?? 0),
    version: Number(kv['version'] ?? 0),
    lease: BigInt((kv['lease'] as string | undefined) ?? '0'),
  };
}

function revisionOf(message: WireObject): number {
  const header = message['header'] as WireObject | undefined;
  return Number(header?.['revision'] ?? 0);
}

const nothing = new Uint8Array(0);

function textOf(value: unknown): string {
  return Buffer.from((value as Uint8Array | undefined) ?? []).toString();
}
