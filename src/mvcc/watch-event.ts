import { mustGet } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { Event, EventType, KeyValue } from '../wire/mvccpb.ts';
import { WatchEvents } from '../wire/watch-events.ts';
import { decodeRowKey } from './revision.ts';
import type { MvccStore } from './store.ts';
import type { PutRow } from './types.ts';
import type { VersionId } from './version-table.ts';

/**
 * One change of a key as watchers are told of it. It is encoded when it is first asked for, once without and once
 * with what the key held before, however many watch. To be used and let go within one turn: it refers to versions
 * by their ids. The encodings may be kept.
 */
export class WatchEvent {
  readonly modRevision: number;
  readonly isDelete: boolean;
  private readonly store: MvccStore;
  private readonly key: Bytes;
  private readonly modSub: number;
  /** 0 until it is known. */
  private id: VersionId;
  private row: Bytes | undefined;
  private plain: Bytes | undefined;
  private withPrev: Bytes | undefined;
  /** Lists of one, which all that are told of nothing else share. */
  private plainAlone: WatchEvents | undefined;
  private withPrevAlone: WatchEvents | undefined;
  /** Lists that end with this event, by what they begin with. */
  private plainBehind: Map<WatchEvents, WatchEvents> | undefined;
  private withPrevBehind: Map<WatchEvents, WatchEvents> | undefined;

  private constructor(store: MvccStore, change: Change) {
    this.store = store;
    this.key = change.key;
    this.modRevision = change.modRevision;
    this.modSub = change.modSub;
    this.isDelete = change.isDelete;
    this.id = change.id;
    this.row = change.row;
  }

  /** What a row says that was just written. */
  static ofRow(store: MvccStore, key: Bytes, row: PutRow): WatchEvent {
    const { main: modRevision, sub: modSub, isTombstone: isDelete } = decodeRowKey(row.key);
    return new WatchEvent(store, { key, modRevision, modSub, isDelete, id: 0, row: row.value });
  }

  /** What a version of the index says. */
  static ofVersion(store: MvccStore, key: Bytes, id: VersionId): WatchEvent {
    const { versions } = store.index;
    const modRevision = versions.modRevisionOf(id);
    const modSub = versions.modSubOf(id);
    const isDelete = versions.isTombstone(id);
    return new WatchEvent(store, { key, modRevision, modSub, isDelete, id, row: undefined });
  }

  /** An encoded `mvccpb.Event`. */
  encoded(hasPrevKv: boolean): Bytes {
    return hasPrevKv ? (this.withPrev ??= this.encodeWithPrev()) : (this.plain ??= this.encode());
  }

  /** A list of this event behind those before: the same for all who have that one. */
  behind(before: WatchEvents | undefined, hasPrevKv: boolean): WatchEvents {
    if (before === undefined) return this.alone(hasPrevKv);
    const lists = hasPrevKv
      ? (this.withPrevBehind ??= new Map())
      : (this.plainBehind ??= new Map());
    let list = lists.get(before);
    if (list === undefined) {
      list = before.with(this.encoded(hasPrevKv));
      lists.set(before, list);
    }
    return list;
  }

  /** A list of this event and no other. */
  private alone(hasPrevKv: boolean): WatchEvents {
    if (hasPrevKv) return (this.withPrevAlone ??= WatchEvents.of(this.encoded(true)));
    return (this.plainAlone ??= WatchEvents.of(this.encoded(false)));
  }

  private encode(prevKv?: Bytes): Bytes {
    const type = this.isDelete ? EventType.DELETE : EventType.PUT;
    return Event.encode({ type, kv: this.kv(), prevKv });
  }

  private encodeWithPrev(): Bytes {
    const { store } = this;
    const previous = this.previousVersion();
    return previous === 0
      ? this.encoded(false)
      : this.encode(store.read(store.index.describe(previous)));
  }

  /** Of a deleted key no more than which it was, and when. */
  private kv(): Bytes {
    const { key, modRevision, store } = this;
    if (this.isDelete) return KeyValue.encode({ key, modRevision });
    this.row ??= store.read(store.index.describe(this.version()));
    return this.row;
  }

  /**
   * What the key held at the revision before; 0 for none, for one that was compacted away, and where a key is
   * created, even if the same transaction has deleted it first (etcd v3rpc/watch.go IsCreateEvent).
   */
  private previousVersion(): VersionId {
    const { store, modRevision } = this;
    const { index } = store;
    if (modRevision - 1 < store.compactRevision) return 0;
    const own = this.version();
    if (!this.isDelete && index.versions.createRevisionOf(own) === modRevision) return 0;
    const id = index.newestUpTo(index.versions.keyOf(own), modRevision - 1);
    return id === 0 || index.versions.isTombstone(id) ? 0 : id;
  }

  private version(): VersionId {
    if (this.id !== 0) return this.id;
    const { index } = this.store;
    let id = index.newestUpTo(index.tree.find(this.key), this.modRevision);
    // One transaction may delete a key and put it, in either order: the revision alone does not tell which.
    while (index.versions.modSubOf(id) > this.modSub) id = index.versions.olderOf(id);
    this.id = id;
    return id;
  }
}

interface Change {
  readonly key: Bytes;
  readonly modRevision: number;
  readonly modSub: number;
  readonly isDelete: boolean;
  readonly id: VersionId;
  readonly row: Bytes | undefined;
}

/** The key of a row's value, a view of it: what decides whether anyone watches, so no more of the row is read. */
export function keyOfRow(row: Bytes): Bytes {
  // A row begins with its key (row.ts), whose length is a varint.
  let at = 1;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = mustGet(row[at++], 'a row ends within the length of its key');
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return row.subarray(at, at + length);
  }
}
