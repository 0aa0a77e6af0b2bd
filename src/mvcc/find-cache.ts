import type { Bytes } from '../base/bytes.ts';
import type { KeyArena, KeyHandle } from './key-arena.ts';

const firstSlots = 1 << 12;
/** 16 MiB. */
const slotsMax = 1 << 22;

/**
 * Where keys were found in the index of late: a slot for each hash, which the next key of that hash takes over. A
 * descent of the tree compares some twenty keys, each in another place of memory; most reads and writes are of keys
 * that were looked for before. Whoever takes a key out of the index must tell.
 */
export class FindCache {
  private readonly arena: KeyArena;
  private slots = new Uint32Array(firstSlots);

  constructor(arena: KeyArena) {
    this.arena = arena;
  }

  /** 0 when it is not known, which says nothing of the index. */
  find(key: Bytes, hash: number): KeyHandle {
    const { slots } = this;
    const handle = slots[hash & (slots.length - 1)] as number;
    return handle !== 0 && this.arena.compare(handle, key) === 0 ? handle : 0;
  }

  note(hash: number, handle: KeyHandle): void {
    const { slots } = this;
    slots[hash & (slots.length - 1)] = handle;
  }

  forget(hash: number): void {
    this.note(hash, 0);
  }

  /** The index holds so many keys: there is a slot for each, up to a bound. What was known is forgotten. */
  fit(keys: number): void {
    let { length } = this.slots;
    while (length < keys && length < slotsMax) length *= 2;
    if (length > this.slots.length) this.slots = new Uint32Array(length);
  }
}
