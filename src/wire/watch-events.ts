import type { Bytes } from '../base/bytes.ts';
import { varintBytes, writeVarint } from './varint.ts';

/** Field 11 of a WatchResponse, length-delimited. */
const eventsTag = 0x5a;

/** How many bytes of a response an encoded event takes. */
export function eventFieldBytes(event: Bytes): number {
  return 1 + varintBytes(event.length) + event.length;
}

/** What an event costs in memory beside its bytes, about. */
const eventOverheadBytes = 64;

/**
 * Encoded events in their order, for one response. A list never changes; a longer one begins with it, and is not known
 * to it: who holds a list holds nothing more. All who are told alike share one, and with it its encoding.
 */
export class WatchEvents {
  readonly length: number;
  /** In memory. */
  readonly totalBytes: number;
  private readonly before: WatchEvents | undefined;
  private readonly last: Bytes;
  private encoded: Bytes | undefined;

  private constructor(before: WatchEvents | undefined, last: Bytes) {
    this.before = before;
    this.last = last;
    this.length = (before?.length ?? 0) + 1;
    this.totalBytes = (before?.totalBytes ?? 0) + eventOverheadBytes + last.length;
  }

  static of(event: Bytes): WatchEvents {
    return new WatchEvents(undefined, event);
  }

  static from(events: readonly Bytes[]): WatchEvents | undefined {
    let list: WatchEvents | undefined;
    for (const event of events) list = list?.with(event) ?? WatchEvents.of(event);
    return list;
  }

  with(event: Bytes): WatchEvents {
    return new WatchEvents(this, event);
  }

  get list(): readonly Bytes[] {
    const backwards = [this.last];
    for (let { before } = this; before !== undefined; before = before.before) {
      backwards.push(before.last);
    }
    return backwards.toReversed();
  }

  /** The fields of a WatchResponse that hold them: they come after all others, and are the same whoever is told. */
  get fields(): Bytes {
    this.encoded ??= encodeFields(this.list);
    return this.encoded;
  }
}

function encodeFields(events: readonly Bytes[]): Bytes {
  let length = 0;
  for (const event of events) length += eventFieldBytes(event);
  const fields = new Uint8Array(length);
  let offset = 0;
  for (const event of events) {
    fields[offset] = eventsTag;
    offset = writeVarint(fields, offset + 1, event.length);
    fields.set(event, offset);
    offset += event.length;
  }
  return fields;
}
