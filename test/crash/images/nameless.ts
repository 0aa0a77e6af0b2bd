import type { TraceRecord } from '../trace-reader.ts';
import { familyOf } from './family.ts';

/** Records of the trace, both included. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** How often the file was synced meanwhile, after the first time: somebody goes on as if it were there. */
  readonly syncs: number;
}

interface NewFile {
  /** Where its entry was made, in the trace. */
  readonly madeAt: number;
  /** The record of its first sync. */
  syncedBy: number | undefined;
  syncs: number;
}

const openCreate = 0o100;

/**
 * When a file that is new had been synced and its folder had not, by the file's family. On a disk whose folders keep
 * the names of files, a power loss there takes the file away with all that was synced in it.
 */
export function namelessSpans(records: readonly TraceRecord[]): ReadonlyMap<string, Span[]> {
  const spans = new Map<string, Span[]>();
  const openPaths = new Map<number, string>();
  const known = new Set<string>();
  const fresh = new Map<string, NewFile>();
  const end = (path: string, to: number): void => {
    const { syncedBy: from, syncs } = fresh.get(path) ?? { syncedBy: undefined, syncs: 0 };
    fresh.delete(path);
    if (from === undefined || to < from) return;
    const family = familyOf(path);
    spans.set(family, [...(spans.get(family) ?? []), { from, to, syncs }]);
  };
  for (const [i, record] of records.entries()) {
    const { kind, path, fd } = record;
    if (kind === 'baseFile') known.add(path);
    if (kind === 'open') {
      openPaths.set(fd, path);
      if ((record.a & openCreate) !== 0 && !known.has(path)) {
        known.add(path);
        fresh.set(path, { madeAt: record.at, syncedBy: undefined, syncs: 0 });
      }
    }
    if (kind === 'unlink') {
      end(path, i - 1);
      known.delete(path);
    }
    if (kind === 'rename') {
      const isSynced = fresh.get(path)?.syncedBy !== undefined;
      fresh.delete(path);
      known.delete(path);
      known.add(record.path2);
      end(record.path2, i - 1);
      fresh.set(record.path2, { madeAt: record.at, syncedBy: isSynced ? i : undefined, syncs: 0 });
    }
    if (kind !== 'sync') continue;
    const synced = openPaths.get(fd) ?? '';
    const file = fresh.get(synced);
    if (file !== undefined) {
      if (file.syncedBy === undefined) file.syncedBy = i;
      else file.syncs++;
    }
    for (const [other, { madeAt }] of fresh) {
      if (folderOf(other) === synced && madeAt < record.a) end(other, i - 1);
    }
  }
  for (const path of fresh.keys()) end(path, records.length - 1);
  return spans;
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
