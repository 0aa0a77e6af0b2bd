import { assert } from '../base/assert.ts';
import type { Scheduler } from '../base/clock.ts';
import type { SnapshotSink, Transport } from '../peer/types.ts';
import type { HardState, MemberId, SnapshotMeta } from '../raft/types.ts';
import type { DataDir, ImageWriter } from '../storage/types.ts';
import type { RaftLoop } from './raft-loop.ts';
import type { StoreLoop } from './store-loop.ts';

/**
 * Snapshots between members: a follower that is too far behind gets the store itself, as an image streamed into a
 * fresh file set, which takes the old one's place only when it is whole and Raft has accepted it.
 */
export interface SnapshotParts {
  readonly id: MemberId;
  readonly dataDir: DataDir;
  readonly scheduler: Scheduler;
  readonly storeLoop: StoreLoop;
  readonly term: () => number;
  /** Of the snapshot that Raft has taken and that is not installed yet; else 0. */
  readonly pendingIndex: () => number;
  readonly raftLoop: () => RaftLoop;
  readonly transport: () => Pick<Transport, 'sendSnapshot'>;
  /** Stops applying before the store is replaced. */
  readonly beforeInstall: () => void;
  /** The new store and log are in force. `done`: what they hold is read, and the next snapshot may come. */
  readonly installed: (snapshot: SnapshotMeta, done: () => void) => void;
}

/** Images streamed at once; a further follower is told to ask again. */
const sendingMax = 2;

export class Snapshots {
  private readonly parts: SnapshotParts;
  /** Index of the image that each follower is being sent; undefined while it is being made. */
  private readonly sending = new Map<MemberId, number | undefined>();
  private isReceiving = false;
  private isStopped = false;
  private received: { readonly snapshot: SnapshotMeta; readonly writer: ImageWriter } | undefined;

  constructor(parts: SnapshotParts) {
    this.parts = parts;
  }

  stop(): void {
    this.isStopped = true;
  }

  /** The log must still reach back to this index, or a follower that gets an image falls behind again. */
  get heldIndex(): number {
    let held = Number.MAX_SAFE_INTEGER;
    for (const index of this.sending.values()) held = Math.min(held, index ?? 0);
    return held;
  }

  /** `term` is that of the request: another member may lead, in a later one, when the store has been flushed. */
  wanted(to: MemberId, term: number): void {
    const { storeLoop, dataDir, id, transport, raftLoop, scheduler } = this.parts;
    if (this.sending.has(to)) return;
    if (this.sending.size >= sendingMax) {
      scheduler.endOfTurn(() => raftLoop().reportSnapshot(to, false));
      return;
    }
    this.sending.set(to, undefined);
    storeLoop.flush(() => {
      // What was applied since may be of a later term, which the message must not hide.
      if (this.parts.term() !== term) return this.sent(to, false);
      const image = dataDir.store.openImage();
      const { appliedIndex, appliedTerm, confState } = image.state;
      this.sending.set(to, appliedIndex);
      const snapshot = { index: appliedIndex, term: appliedTerm, confState };
      transport().sendSnapshot({ type: 'MsgSnap', from: id, to, term, snapshot }, image);
    });
  }

  sent(to: MemberId, isDelivered: boolean): void {
    this.sending.delete(to);
    this.parts.raftLoop().reportSnapshot(to, isDelivered);
  }

  /** Where the chunks of an arriving snapshot go, or why it is refused. */
  offered(from: MemberId, snapshot: SnapshotMeta, term: number): SnapshotSink | string {
    if (this.isReceiving) return 'another snapshot is arriving already';
    if (term < this.parts.term()) return `the snapshot is from the past term ${term}`;
    if (snapshot.term > term) return `a snapshot of term ${snapshot.term} comes in term ${term}`;
    this.isReceiving = true;
    const writer = this.parts.dataDir.receiveImage();
    return {
      write: (chunk, done) => writer.write(chunk, done),
      end: (done) =>
        writer.finish((refused) => {
          done(refused);
          if (refused === undefined) this.offerToRaft({ from, term, snapshot, writer });
          else this.isReceiving = false;
        }),
      abort: () => {
        writer.abort();
        this.isReceiving = false;
      },
    };
  }

  /** The core has accepted the snapshot: put it in force. */
  accepted(snapshot: SnapshotMeta, hardState: HardState): void {
    const { received } = this;
    assert(
      received !== undefined && received.snapshot.index === snapshot.index,
      `snapshot ${snapshot.index} was accepted but not received`,
    );
    this.received = undefined;
    this.parts.beforeInstall();
    this.install(received.writer, snapshot, hardState);
  }

  private install(writer: ImageWriter, snapshot: SnapshotMeta, hardState: HardState): void {
    const { storeLoop, dataDir, scheduler, installed } = this.parts;
    if (this.isStopped) return;
    if (storeLoop.isCommitting) {
      scheduler.after(commitPollMs, () => this.install(writer, snapshot, hardState));
      return;
    }
    dataDir.install(writer, hardState, () => {
      installed(snapshot, () => (this.isReceiving = false));
    });
  }

  private offerToRaft(offer: {
    readonly from: MemberId;
    readonly term: number;
    readonly snapshot: SnapshotMeta;
    readonly writer: ImageWriter;
  }): void {
    const { id, raftLoop, pendingIndex } = this.parts;
    const { from, term, snapshot, writer } = offer;
    this.received = { snapshot, writer };
    raftLoop().received([{ type: 'MsgSnap', from, to: id, term, snapshot }]);
    // What the core has no use for (the log caught up meanwhile) is dropped; what it took waits for the log's disk.
    if (pendingIndex() === snapshot.index) return;
    this.received = undefined;
    this.isReceiving = false;
    writer.abort();
  }
}

/** A commit under way ends in milliseconds; the installation waits for it in steps of this. */
const commitPollMs = 5;
