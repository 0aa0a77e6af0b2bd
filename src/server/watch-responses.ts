import type { Bytes } from '../base/bytes.ts';
import type { WatcherId } from '../mvcc/types.ts';
import type { ResponseHeader } from '../wire/header.ts';
import { eventFieldBytes, WatchEvents } from '../wire/watch-events.ts';
import { WatchResponse } from '../wire/watch.ts';
import { is, type WatcherTable } from './watcher-table.ts';

/** Makes responses of the events gathered for a watch, in parts where the watch allows that. */
export class WatchResponses {
  private readonly table: WatcherTable;
  private readonly headerAt: (revision: number) => ResponseHeader;
  private readonly fragmentBytes: number;

  constructor(
    table: WatcherTable,
    headerAt: (revision: number) => ResponseHeader,
    fragmentBytes: number,
  ) {
    this.table = table;
    this.headerAt = headerAt;
    this.fragmentBytes = fragmentBytes;
  }

  /** Queues what was gathered, with `revision` in its header. */
  add(watcher: WatcherId, revision: number): void {
    const { table } = this;
    const gathered = table.takeGathered(watcher);
    if (gathered === undefined) return;
    const watchId = table.idOf(watcher);
    const queue = table.queueOf(watcher);
    table.set(watcher, is.dueForProgress, false);
    if (!table.is(watcher, is.fragment)) {
      queue.add({ type: 'events', watchId, revision, events: gathered, isFragment: false });
      return;
    }
    const parts = this.split(gathered.list, watchId, revision);
    parts.forEach((part, i) => {
      const isFragment = i < parts.length - 1;
      const events = WatchEvents.from(part);
      if (events !== undefined) {
        queue.add({ type: 'events', watchId, revision, events, isFragment });
      }
    });
  }

  /** As etcd's sendFragments (server/etcdserver/api/v3rpc/watch.go): by the size of the encoded response. */
  private split(
    events: readonly Bytes[],
    watchId: bigint,
    revision: number,
  ): readonly (readonly Bytes[])[] {
    const header = this.headerAt(revision);
    const total = events.reduce((sum, event) => sum + eventFieldBytes(event), 0);
    const wholeBytes = WatchResponse.encode({ header, watchId }).length + total;
    if (wholeBytes < this.fragmentBytes) return [events];
    const headBytes = WatchResponse.encode({ header, watchId, fragment: true }).length;
    const parts: Bytes[][] = [];
    let part: Bytes[] = [];
    let bytes = headBytes;
    for (const event of events) {
      const more = eventFieldBytes(event);
      if (part.length > 0 && bytes + more >= this.fragmentBytes) {
        parts.push(part);
        part = [];
        bytes = headBytes;
      }
      part.push(event);
      bytes += more;
    }
    parts.push(part);
    return parts;
  }
}
