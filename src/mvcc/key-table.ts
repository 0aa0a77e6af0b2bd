import type { Bytes } from '../base/bytes.ts';
import type { KeyArena, KeyHandle } from './key-arena.ts';

/** Slots looked at before a search gives up: a good hash needs a handful, at two thirds full. */
const probesMax = 128;
const firstSlots = 1 << 12;

/**
 * Finds handles by key while an index is restored, before there is a tree: open addressing with linear
 * probing, two words a slot, the hash and the handle. Keys made to collide are given up on (`isCrowded`),
 * for whoever writes to the store chooses them.
 */
export class KeyTable {
  private readonly arena: KeyArena;
  private slots = new Uint32Array(2 * firstSlots);
  private crowded = false;
  private used = 0;

  constructor(arena: KeyArena) {
    this.arena = arena;
  }

  get count(): number {
    return this.used;
  }

  /** A search has taken too long: the table must not be used any more. */
  get isCrowded(): boolean {
    return this.crowded;
  }

  /** 0 when the key is not there; then `add` is told the same hash. */
  find(key: Bytes, hash: number): KeyHandle {
    const { slots } = this;
    const mask = slots.length / 2 - 1;
    let slot = hash & mask;
    for (let probes = 0; probes < probesMax; probes++) {
      const handle = slots[2 * slot + 1] as number;
      if (handle === 0) return 0;
      if (slots[2 * slot] === hash && this.arena.compare(handle, key) === 0) return handle;
      slot = (slot + 1) & mask;
    }
    this.crowded = true;
    return 0;
  }

  /** Adds a key that is not there. */
  add(hash: number, handle: KeyHandle): void {
    if (3 * (this.used + 1) > this.slots.length) this.grow();
    place(this.slots, hash, handle);
    this.used++;
  }

  /** All handles, in the order in which memory holds their keys: reading them all is then fastest. */
  handles(): Uint32Array {
    const handles = new Uint32Array(this.used);
    let count = 0;
    for (let at = 1; at < this.slots.length; at += 2) {
      const handle = this.slots[at] as number;
      if (handle !== 0) handles[count++] = handle;
    }
    return handles.sort();
  }

  private grow(): void {
    const { slots } = this;
    const larger = new Uint32Array(2 * slots.length);
    for (let at = 0; at < slots.length; at += 2) {
      const handle = slots[at + 1] as number;
      if (handle !== 0) place(larger, slots[at] as number, handle);
    }
    this.slots = larger;
  }
}

function place(slots: Uint32Array, hash: number, handle: KeyHandle): void {
  const mask = slots.length / 2 - 1;
  let slot = hash & mask;
  while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
  slots[2 * slot] = hash;
  slots[2 * slot + 1] = handle;
}

/** 32 bits: FNV-1a with its high bits folded in, since a table looks at the low ones. */
export function hashKey(key: Bytes): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ (key[i] as number), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
