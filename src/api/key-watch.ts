import { emptyBytes, type Bytes } from '../base/bytes.ts';
import { keyRangeOf } from '../mvcc/key-range.ts';
import type { Member, WatchOutput, Watches } from '../server/types.ts';

/** One watch with a stream of its own, for a service that waits for something. */
export interface KeyWatch {
  readonly key: Bytes;
  /** As a request has it; without it the key alone. */
  readonly rangeEnd?: Bytes;
  readonly startRevision: number;
  readonly onlyDeletes?: boolean;
}

/** `receive` answers false to be told nothing more until `resume`. */
export function watchKeys(
  member: Member,
  { key, rangeEnd = emptyBytes, startRevision, onlyDeletes = false }: KeyWatch,
  receive: (output: WatchOutput) => boolean,
): Watches {
  const watches = member.openWatches({ receive });
  watches.create({
    id: undefined,
    range: keyRangeOf(key, rangeEnd),
    startRevision,
    prevKv: false,
    noPut: onlyDeletes,
    noDelete: false,
    progressNotify: false,
    fragment: false,
  });
  return watches;
}
