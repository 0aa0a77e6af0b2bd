import { randomBytes, randomInt } from 'node:crypto';
import { readBigUint64, readUint32 } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';

/** Randomness of the operating system: for election timeouts and for names that must not repeat. */
export const systemRandom: Random = { below: (bound) => randomInt(bound) };

export function randomNonce(): number {
  return readUint32(randomBytes(4), 0);
}

/** A random 64-bit number other than 0, which stands for "none". */
export function randomId(): bigint {
  for (;;) {
    const id = readBigUint64(randomBytes(8), 0);
    if (id !== 0n) return id;
  }
}
