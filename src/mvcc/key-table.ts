import type { Bytes } from '../base/bytes.ts';
import type { KeyArena, KeyHandle } from './key-arena.ts';

/** Slots looked at before a place for a key is given up: a good hash needs a handful, at three quarters full. */
const probesMax = 64;
/** Keys of one and the same hash: more of them are no accident. */
const alikeMax = 8;
/** A segment doubles up to here, 64 KiB, and is split in two after that: neither takes a tenth of a millisecond. */
const segmentSlotsMax = 1 << 13;
const firstSlots = 1 << 8;
/** How full a segment may be before it grows. */
const loadMax = 3 / 4;
/** A segment so empty in which a key finds no place is crowded by its hashes: more slots would be no help. */
const crowdedLoad = 1 / 8;
/** The directory has at most 2^16 places: half a billion keys are found. */
const depthMax = 16;

/** A part of the table: all keys whose hashes begin with the same `depth` bits. */
interface Segment {
  readonly depth: number;
  /** Two words a slot: the hash and the handle. */
  slots: Uint32Array;
  used: number;
}

/**
 * Finds handles by key: a descent of the tree compares some twenty keys, each in another place of memory. It is
 * extendible hashing (Fagin and others, "Extendible hashing", 1979): a directory of segments by the first bits of the
 * hash, in a segment open addressing with linear probing; so it grows a segment at a time and never stands still.
 * Keys made to collide, by whoever writes to the store, are left out: what is not found here may still be there.
 */
export class KeyTable {
  private readonly arena: KeyArena;
  /** 2^`bits` places, neighbours of which share a segment that is less deep. */
  private directory: Segment[] = sharedBy(newSegment(0));
  private bits = 1;
  private entries = 0;

  constructor(arena: KeyArena) {
    this.arena = arena;
  }

  get count(): number {
    return this.entries;
  }

  /** 0 when the key is not known. */
  find(key: Bytes, hash: number): KeyHandle {
    const { slots } = this.segmentOf(hash);
    const mask = slots.length / 2 - 1;
    let slot = hash & mask;
    for (;;) {
      const handle = slots[2 * slot + 1] as number;
      if (handle === 0) return 0;
      if (slots[2 * slot] === hash && this.arena.compare(handle, key) === 0) return handle;
      slot = (slot + 1) & mask;
    }
  }

  /** What `find` would look at first: of this hash, but maybe another key. 0 when there is none. */
  firstOf(hash: number): KeyHandle {
    const { slots } = this.segmentOf(hash);
    const mask = slots.length / 2 - 1;
    let slot = hash & mask;
    while (slots[2 * slot + 1] !== 0 && slots[2 * slot] !== hash) slot = (slot + 1) & mask;
    return slots[2 * slot + 1] as number;
  }

  /** Adds a key that is not there; false: there is no room among keys of its hash. */
  maybeAdd(hash: number, handle: KeyHandle): boolean {
    for (;;) {
      const segment = this.segmentOf(hash);
      const place = hasRoom(segment) ? placeIn(segment.slots, hash) : 'far';
      if (place === 'alike') return false;
      if (place !== 'far') {
        segment.slots[2 * place] = hash;
        segment.slots[2 * place + 1] = handle;
        segment.used++;
        this.entries++;
        return true;
      }
      if (!this.maybeGrow(segment, hash)) return false;
    }
  }

  /** The key is taken out of the index; it need not be known here. */
  remove(key: Bytes, hash: number): void {
    const segment = this.segmentOf(hash);
    const { slots } = segment;
    const mask = slots.length / 2 - 1;
    for (let slot = hash & mask; slots[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
      const isIt = slots[2 * slot] === hash;
      if (!isIt || this.arena.compare(slots[2 * slot + 1] as number, key) !== 0) continue;
      empty(slots, slot);
      segment.used--;
      this.entries--;
      return;
    }
  }

  /** All handles, in the order in which memory holds their keys: reading them all is then fastest. */
  handles(): Uint32Array {
    const handles = new Uint32Array(this.entries);
    let count = 0;
    for (const { slots } of new Set(this.directory)) {
      for (let at = 1; at < slots.length; at += 2) {
        const handle = slots[at] as number;
        if (handle !== 0) handles[count++] = handle;
      }
    }
    return handles.sort();
  }

  private segmentOf(hash: number): Segment {
    return this.directory[hash >>> (32 - this.bits)] as Segment;
  }

  private maybeGrow(segment: Segment, hash: number): boolean {
    const { slots } = segment;
    if (segment.used < crowdedLoad * slotsOf(segment)) return false;
    if (slotsOf(segment) < segmentSlotsMax) {
      const larger = new Uint32Array(2 * slots.length);
      for (let at = 0; at < slots.length; at += 2) move(slots, at, larger);
      segment.slots = larger;
      return true;
    }
    return this.maybeSplit(segment, hash);
  }

  private maybeSplit({ slots, depth }: Segment, hash: number): boolean {
    if (depth === this.bits && !this.maybeWiden()) return false;
    const halves = [newSegment(depth + 1, segmentSlotsMax), newSegment(depth + 1, segmentSlotsMax)];
    for (let at = 0; at < slots.length; at += 2) {
      const half = halves[((slots[at] as number) >>> (31 - depth)) & 1] as Segment;
      if (move(slots, at, half.slots)) half.used++;
    }
    const places = 2 ** (this.bits - depth);
    const first = (hash >>> (32 - this.bits)) & -places;
    this.directory.fill(halves[0] as Segment, first, first + places / 2);
    this.directory.fill(halves[1] as Segment, first + places / 2, first + places);
    return true;
  }

  private maybeWiden(): boolean {
    if (this.bits === depthMax) return false;
    this.directory = this.directory.flatMap(sharedBy);
    this.bits++;
    return true;
  }
}

function newSegment(depth: number, slots = firstSlots): Segment {
  return { depth, slots: new Uint32Array(2 * slots), used: 0 };
}

/** Two places of a directory. */
function sharedBy(segment: Segment): Segment[] {
  return [segment, segment];
}

function slotsOf({ slots }: Segment): number {
  return slots.length / 2;
}

function hasRoom(segment: Segment): boolean {
  return segment.used < loadMax * slotsOf(segment);
}

/** The slot for one more of this hash; `far`: too far away, `alike`: there are too many of them. */
function placeIn(slots: Uint32Array, hash: number): number | 'far' | 'alike' {
  const mask = slots.length / 2 - 1;
  let slot = hash & mask;
  let alike = 0;
  for (let probes = 0; probes < probesMax; probes++) {
    if (slots[2 * slot + 1] === 0) return slot;
    if (slots[2 * slot] === hash && ++alike === alikeMax) return 'alike';
    slot = (slot + 1) & mask;
  }
  return 'far';
}

/** Places what stands at `at`; false when nothing does. There is room: `to` is half empty at least. */
function move(from: Uint32Array, at: number, to: Uint32Array): boolean {
  const handle = from[at + 1] as number;
  if (handle === 0) return false;
  const hash = from[at] as number;
  const mask = to.length / 2 - 1;
  let slot = hash & mask;
  while (to[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
  to[2 * slot] = hash;
  to[2 * slot + 1] = handle;
  return true;
}

/** Empties a slot and closes the gap behind it: a search ends at the first empty slot. */
function empty(slots: Uint32Array, slot: number): void {
  const mask = slots.length / 2 - 1;
  let gap = slot;
  for (let next = (gap + 1) & mask; slots[2 * next + 1] !== 0; next = (next + 1) & mask) {
    const fromHome = (next - (slots[2 * next] as number)) & mask;
    if (fromHome < ((next - gap) & mask)) continue;
    slots[2 * gap] = slots[2 * next] as number;
    slots[2 * gap + 1] = slots[2 * next + 1] as number;
    gap = next;
  }
  slots[2 * gap] = 0;
  slots[2 * gap + 1] = 0;
}

/** 32 bits: FNV-1a with its high bits folded in, since a segment looks at the low ones. */
export function hashKey(key: Bytes): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ (key[i] as number), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
