import type { Bytes } from '../../../src/base/bytes.ts';
import type { Random } from '../../../src/base/random.ts';
import { applyChange } from '../disk-model.ts';
import type { DataChange, FileNode } from '../disk-model.ts';

/**
 * What a power loss may leave of one file. All that was synced is there; of what was written after it any of these
 * may have reached the disk by itself, because the system writes pages back when it likes:
 *
 *     nothing      none of it
 *     everything   all of it
 *     prefix       the first few writes
 *     torn         the first few writes, and of the next one some sectors of 512 bytes
 *     zeros        the first few writes, and the size of the file as if there had been more: zeros
 *     pages        each page of 4 KiB as it was after any number of the writes
 */
export const fileStyles = ['nothing', 'everything', 'prefix', 'torn', 'zeros', 'pages'] as const;
export type FileStyle = (typeof fileStyles)[number];

const pageBytes = 4096;
const sectorBytes = 512;

/** What is folded is durable. */
type FileHistory = Pick<FileNode, 'folded' | 'size' | 'changes'>;

export function fileImage(file: FileHistory, style: FileStyle, random: Random): Bytes {
  const { changes } = file;
  if (changes.length === 0) return file.folded;
  const builder = new ImageBuilder(file);
  const pending = changes.filter((change) => !change.isDurable);
  switch (style) {
    case 'nothing':
      return builder.build(() => 'no');
    case 'everything':
      return builder.build(() => 'whole');
    case 'prefix': {
      const kept = new Set(pending.slice(0, random.below(pending.length + 1)));
      return builder.build((change) => (kept.has(change) ? 'whole' : 'no'));
    }
    case 'torn':
    case 'zeros': {
      const count = random.below(pending.length + 1);
      const kept = new Set(pending.slice(0, count));
      const cut = pending[count];
      const partly = style === 'torn' ? sectors(random) : (): boolean => false;
      return builder.build((change) =>
        kept.has(change) ? 'whole' : change === cut ? { unit: sectorBytes, keeps: partly } : 'no',
      );
    }
    case 'pages':
      return pagesOf(builder, pending, random);
  }
}

type Part =
  | 'no'
  | 'whole'
  /** Pieces of the file of `unit` bytes; the size of the file is as if all of it had been kept. */
  | { readonly unit: number; readonly keeps: (unitNumber: number) => boolean };

class ImageBuilder {
  private readonly file: FileHistory;

  constructor(file: FileHistory) {
    this.file = file;
  }

  build(partOf: (change: DataChange) => Part): Bytes {
    const { file } = this;
    let room = file.size;
    for (const change of file.changes) room = Math.max(room, change.offset + change.length);
    const bytes = new Uint8Array(room);
    bytes.set(file.folded);
    let size = file.size;
    for (const change of file.changes) {
      const part = change.isDurable ? 'whole' : partOf(change);
      if (part === 'whole') size = applyChange(bytes, size, change);
      else if (part !== 'no') size = applyPart(bytes, size, change, part);
    }
    return bytes.subarray(0, size);
  }
}

function applyPart(
  bytes: Uint8Array,
  size: number,
  change: DataChange,
  part: Exclude<Part, string>,
): number {
  if (change.kind !== 'write') return applyChange(bytes, size, change);
  const end = change.offset + change.length;
  for (let at = change.offset; at < end;) {
    const unitNumber = Math.floor(at / part.unit);
    const unitEnd = Math.min(end, (unitNumber + 1) * part.unit);
    if (part.keeps(unitNumber)) {
      if (change.data.length === 0) bytes.fill(0, at, unitEnd);
      else bytes.set(change.data.subarray(at - change.offset, unitEnd - change.offset), at);
    }
    at = unitEnd;
  }
  return Math.max(size, end);
}

/** Sectors up to a point, or any of them. */
function sectors(random: Random): (sector: number) => boolean {
  if (random.below(2) === 0) return () => random.below(2) === 0;
  let left = random.below(8);
  return () => left-- > 0;
}

/** A page goes to the disk as it stands at that moment: with all writes up to then, and none after. */
function pagesOf(builder: ImageBuilder, pending: readonly DataChange[], random: Random): Bytes {
  const orders = new Map(pending.map((change, order) => [change, order]));
  const written = new Map<number, number>();
  const writtenAt = (page: number): number => {
    const known = written.get(page);
    if (known !== undefined) return known;
    const luck = random.below(3);
    const upTo = luck === 0 ? 0 : luck === 1 ? pending.length : random.below(pending.length + 1);
    written.set(page, upTo);
    return upTo;
  };
  const sizeUpTo = random.below(pending.length + 1);
  return builder.build((change) => {
    const order = orders.get(change) ?? 0;
    if (change.kind === 'truncate') return order < sizeUpTo ? 'whole' : 'no';
    const firstPage = Math.floor(change.offset / pageBytes);
    const lastPage = Math.floor((change.offset + change.length - 1) / pageBytes);
    let isKept = order < sizeUpTo;
    for (let page = firstPage; page <= lastPage; page++) isKept ||= order < writtenAt(page);
    return isKept ? { unit: pageBytes, keeps: (page) => order < writtenAt(page) } : 'no';
  });
}
