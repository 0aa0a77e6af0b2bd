import { binaryString } from '../../src/base/bytes.ts';
import type { KeyIndex } from '../../src/mvcc/key-index.ts';
import { wholeKeySpace } from '../../src/mvcc/key-range.ts';

/** All that an index says, the change log included. */
export function described(index: KeyIndex): readonly unknown[] {
  const { changes, keys, tree, versions } = index;
  const lines: unknown[] = [index.floor, tree.liveCount, versions.count];
  const nameOf = (id: number): unknown => ({
    ...index.describe(id),
    key: binaryString(index.describe(id).key),
  });
  tree.visit(wholeKeySpace, (handle, isLive) => {
    lines.push([binaryString(keys.keyOf(handle)), isLive]);
    for (let id = keys.newestOf(handle); id !== 0; id = versions.olderOf(id))
      lines.push(nameOf(id));
    return true;
  });
  for (let at = changes.firstAfter(index.floor - 1); at < changes.end; at++) {
    lines.push(nameOf(changes.at(at)));
  }
  return lines;
}
