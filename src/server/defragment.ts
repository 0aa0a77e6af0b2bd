import { errors, failed, ok } from '../wire/errors.ts';
import type { MemberLoops } from './loops.ts';
import type { Done } from './types.ts';

/** Rewrites the store without what was deleted, while the member serves; neither compaction nor hash meanwhile. */
export function defragment(loops: MemberLoops, done: Done<undefined>): void {
  const { exclusive, parts, space } = loops;
  const { scheduler } = parts.host;
  const isTaken = exclusive.maybeRun((release) => {
    const startedMs = scheduler.nowMs();
    space.isDefragmenting.set(1);
    parts.dataDir.store.defragment(() => {
      space.isDefragmenting.set(0);
      space.defragmentation.observe((scheduler.nowMs() - startedMs) / 1000);
      release();
      done(ok(undefined));
    });
  });
  if (!isTaken) done(failed(errors.tooManyRequests));
}
