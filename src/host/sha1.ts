import { createHash } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';

/** SHA-1 (FIPS 180-4): etcd derives member and cluster ids from it; it guards nothing here. */
export function sha1(input: Bytes): Bytes {
  return createHash('sha1').update(input).digest();
}
