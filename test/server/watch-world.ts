import { textOf, utf8 } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { createMetrics } from '../../src/host/metrics-registry.ts';
import { IndexCompaction } from '../../src/mvcc/compaction.ts';
import type { MvccStore } from '../../src/mvcc/store.ts';
import type { PutRow, RowReader } from '../../src/mvcc/types.ts';
import { Slicer } from '../../src/server/slicer.ts';
import type { WatchOutput, WatchReceiver, Watches, WatchSpec } from '../../src/server/types.ts';
import { WatchHub } from '../../src/server/watch-hub.ts';
import { watchMetrics } from '../../src/server/watch-metrics.ts';
import { DecodedEvent, EventType } from '../../src/wire/mvccpb.ts';
import { sampleOf } from '../api/services.ts';
import { MemoryRows, rangeOf, TestStore } from '../mvcc/rows.ts';
import { ManualScheduler } from '../peer/manual-scheduler.ts';

/** A hub over a store in memory, fed as the apply loop feeds it, with time that the test moves. */

export const progressIntervalMs = 1000;
export const fragmentBytes = 1000;

/** Counts what is read. */
class CountedRows extends MemoryRows {
  reads = 0;

  override get(...parameters: Parameters<RowReader['get']>): ReturnType<RowReader['get']> {
    this.reads++;
    return super.get(...parameters);
  }
}

export class WatchWorld {
  readonly scheduler = new ManualScheduler();
  readonly rows = new CountedRows();
  readonly hub: WatchHub;
  private readonly metrics = createMetrics();
  private test = new TestStore(this.rows);

  constructor() {
    this.hub = new WatchHub({
      scheduler: this.scheduler,
      random: seededRandom(1),
      slicer: new Slicer(this.scheduler, () => false),
      readSlicer: new Slicer(this.scheduler, () => false),
      store: this.store,
      metrics: watchMetrics(this.metrics),
      headerAt: (revision) => ({ clusterId: 1n, memberId: 1n, revision, raftTerm: 1 }),
      progressIntervalMs,
      fragmentBytes,
    });
  }

  get store(): MvccStore {
    return this.test.store;
  }

  get revision(): number {
    return this.store.revision;
  }

  /** Answers the revision. */
  put(key: string, value = ''): number {
    return this.txn((txn) => txn.put(utf8(key), utf8(value), 0n));
  }

  delete(key: string, rangeEnd = ''): number {
    return this.txn((txn) => txn.deleteRange(rangeOf(key, rangeEnd)));
  }

  txn(write: (txn: ReturnType<MvccStore['begin']>) => void): number {
    const txn = this.store.begin();
    write(txn);
    const { rows, revision } = txn.end();
    this.keep(rows);
    return revision;
  }

  /** Revisions up to this one become unreadable, and with `isWhole` their rows go. */
  compact(revision: number, isWhole = true): void {
    this.store.compact(revision);
    if (!isWhole) return;
    const compaction = new IndexCompaction(this.store, revision);
    for (let isDone = false; !isDone;) {
      const slice = compaction.advance(7);
      this.rows.delete(slice.deleted);
      isDone = slice.isDone;
    }
  }

  /** What a snapshot of a member that is ahead brings: `write` is what this one missed. */
  install(write: (ahead: TestStore) => void): void {
    this.hub.pause();
    this.test = this.test.restored();
    write(this.test);
    this.test = this.test.restored();
    this.hub.replaceStore(this.store);
  }

  open(): WatchClient {
    return new WatchClient(this);
  }

  /** Time enough for everything that needs no more than turns. */
  settle(): void {
    this.scheduler.advance(0);
  }

  metric(name: string): number | undefined {
    return sampleOf(this.metrics, `etcd_debugging_mvcc_${name}_total`);
  }

  private keep(rows: readonly PutRow[]): void {
    this.rows.put(rows);
    this.hub.changed(rows);
  }
}

export type Creation = Partial<Omit<WatchSpec, 'range'>>;

/** A client that keeps what it is told, and may stop taking it. */
export class WatchClient implements WatchReceiver {
  readonly outputs: WatchOutput[] = [];
  readonly watches: Watches;
  /** How many outputs it takes before it wants no more. */
  takes = Infinity;
  private readonly world: WatchWorld;

  constructor(world: WatchWorld) {
    this.world = world;
    this.watches = world.hub.open(this);
  }

  receive(output: WatchOutput): boolean {
    this.outputs.push(output);
    this.takes--;
    return this.takes > 0;
  }

  /** Watches a key, or a range with an end as a request has it. */
  create(key: string, rangeEnd = '', more: Creation = {}): void {
    const refusal = this.watches.create({
      id: undefined,
      range: rangeOf(key, rangeEnd),
      startRevision: 0,
      prevKv: false,
      noPut: false,
      noDelete: false,
      progressNotify: false,
      fragment: false,
      ...more,
    });
    if (refusal !== undefined) this.watches.refuse(refusal);
  }

  /** Takes more again. */
  resume(takes = Infinity): void {
    this.takes = takes;
    this.watches.resume();
  }

  /** What it was told since the last time, as text, once all is told that can be. */
  told(): string[] {
    this.world.settle();
    return this.outputs.splice(0).map(describeOutput);
  }
}

export function describeOutput(output: WatchOutput): string {
  const { type, watchId, revision } = output;
  const head = `${watchId} ${type} @${revision}`;
  switch (type) {
    case 'events':
      return `${head}${output.isFragment ? ' more' : ''}: ${output.events.list.map(describeEvent).join(', ')}`;
    case 'canceled':
      return output.compactRevision === 0 ? head : `${head} compacted ${output.compactRevision}`;
    case 'refused':
      return `${head} ${output.reason}`;
    default:
      return head;
  }
}

/** For example `k=value(5)`, `-k(6)`, with what was before behind `<`. */
export function describeEvent(encoded: Uint8Array): string {
  const { type, kv, prevKv } = DecodedEvent.decode(encoded);
  if (kv === undefined) return 'nothing';
  const key = textOf(kv.key);
  const what = type === EventType.DELETE ? `-${key}` : `${key}=${textOf(kv.value)}`;
  const before = prevKv === undefined ? '' : `<${textOf(prevKv.value)}(${prevKv.modRevision})`;
  return `${what}(${kv.modRevision})${before}`;
}
