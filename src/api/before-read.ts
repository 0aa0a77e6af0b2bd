import type { Bytes } from '../base/bytes.ts';
import type { Done, Member } from '../server/types.ts';

/** Calls back when a read may begin: a linearizable one behind ReadIndex, a serializable one as soon as it can. */
export function beforeRead(
  member: Member,
  isSerializable: boolean,
  done: Done<undefined>,
  key?: Bytes,
): void {
  if (isSerializable) member.whenReadable(done, key);
  else member.readIndex(done, key);
}
