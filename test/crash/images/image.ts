import type { Bytes } from '../../../src/base/bytes.ts';
import { mustGet } from '../../../src/base/assert.ts';
import type { Random } from '../../../src/base/random.ts';
import type {
  DataChange,
  DiskModel,
  DiskNode,
  EntryChange,
  FileNode,
  FolderNode,
} from '../disk-model.ts';
import { fileImage, fileStyles } from './file-image.ts';
import type { FileStyle } from './file-image.ts';

/**
 * An image: what a power loss may leave of a whole data dir. Files are free of each other, and so are the folders'
 * entries of the files; within one folder entries follow one another, as every journal keeps them, save for most of
 * the style `any`.
 */

/** How file systems differ: whether the sync of a new file makes its name durable, or only that of its folder does. */
export const readings = ['named by its sync', 'named by its folder'] as const;
export type Reading = (typeof readings)[number];

/**
 * Which of the unsynced creations, renames and removals are there: none; all; the first few of all; the first few of
 * each folder; any of them.
 */
export const entryStyles = ['none', 'all', 'prefix', 'prefixes', 'any'] as const;
export type EntryStyle = (typeof entryStyles)[number];

export interface ImageKind {
  readonly reading: Reading;
  readonly entries: EntryStyle;
  /** Of all files, or each file its own. */
  readonly files: FileStyle | 'each';
  /**
   * As POSIX has it, where what no sync has ordered may come in any order: see `namelessSince`. A member may find such a
   * disk damaged, and say so; without it must start.
   */
  readonly isUnordered?: boolean;
}

export interface ImageFile {
  readonly path: string;
  readonly bytes: Bytes;
  /** How many of its first bytes no power loss can touch. */
  readonly syncedBytes: number;
}

export interface Image {
  readonly folders: readonly string[];
  readonly files: readonly ImageFile[];
  /** It has something that no disk with a journal can have left. */
  readonly isOutOfOrder: boolean;
}

export function describeKind({ reading, entries, files, isUnordered }: ImageKind): string {
  const order = isUnordered === true ? '; no journal keeps an order' : '';
  return `files: ${files}; entries: ${entries}; a new file is ${reading}${order}`;
}

/** `isNameless`: the cut was chosen for a file whose name is not durable. */
export function drawKind(random: Random, isNameless = false): ImageKind {
  const files = [...fileStyles, 'each', 'each', 'each'] as const;
  return {
    reading: isNameless ? 'named by its folder' : draw(readings, random),
    entries: draw(entryStyles, random),
    files: draw(files, random),
  };
}

export function draw<T>(choices: readonly T[], random: Random): T {
  return mustGet(choices[random.below(choices.length)], 'there is a choice') as T;
}

export function makeImage(model: DiskModel, kind: ImageKind, random: Random): Image {
  const isChosen = chooser(model.entryChanges, kind, random);
  const tree = chosenTree(model, isChosen);
  const nameless = namelessSince(model.entryChanges, isChosen);
  let isOutOfOrder = kind.isUnordered === true && hasEarlyRemoval(model.entryChanges, isChosen);
  const folders: string[] = [];
  const files: ImageFile[] = [];
  const walk = (folder: FolderNode, prefix: string): void => {
    for (const [name, node] of tree.get(folder) ?? []) {
      const path = `${prefix}${name}`;
      if (node.kind === 'folder') {
        folders.push(path);
        walk(node, `${path}/`);
        continue;
      }
      const ordered = isManifest(name) ? (nameless.get(folder) ?? Infinity) : Infinity;
      const limit = kind.isUnordered === true ? Infinity : ordered;
      files.push(makeFile({ path, node, limit }, kind, random));
      isOutOfOrder ||= node.changes.some((change) => isBetween(change, ordered, limit));
    }
  };
  walk(model.root, '');
  return { folders, files, isOutOfOrder };
}

interface NamedFile {
  readonly path: string;
  readonly node: FileNode;
  /** What was written from here on has not reached the disk, or was synced. */
  readonly limit: number;
}

function makeFile({ path, node, limit }: NamedFile, kind: ImageKind, random: Random): ImageFile {
  const style = kind.files === 'each' ? draw(fileStyles, random) : kind.files;
  const changes = node.changes.filter((change) => change.isDurable || change.at < limit);
  const bytes = fileImage({ folded: node.folded, size: node.size, changes }, style, random);
  return { path, bytes, syncedBytes: node.isSynced ? Math.min(node.size, bytes.length) : 0 };
}

/** It may be in this image, and could not be in one of a disk with a journal. */
function isBetween({ at, isDurable }: DataChange, from: number, to: number): boolean {
  return !isDurable && at >= from && at < to;
}

type Tree = ReadonlyMap<FolderNode, ReadonlyMap<string, DiskNode>>;

type Chooser = (change: EntryChange) => boolean;

const isManifest = (name: string): boolean => name.startsWith('MANIFEST-');

/**
 * By folder, when the first file was made whose name is not there. A record of LevelDB 1.20's manifest names tables
 * whose own syncs are done (db/builder.cc:57, db/db_impl.cc:838); it is handed to the system at once
 * (db/log_writer.cc:104), before the folder is synced (util/env_posix.cc:279, called by db/version_set.cc:870) and only
 * then the manifest itself (util/env_posix.cc:284). In between a system that writes pages back when it likes could make
 * the record durable without its table's name. Where a journal keeps what was done to folders and to the sizes of
 * files, that is ext4, XFS, Btrfs and ZFS, it cannot: a record makes the manifest longer, and its new size follows, in
 * the journal, the entries made before. Of no other file is as much expected here.
 */
function namelessSince(
  changes: readonly EntryChange[],
  isChosen: Chooser,
): ReadonlyMap<FolderNode, number> {
  const since = new Map<FolderNode, number>();
  for (const change of changes) {
    const folder = change.assignments[0]?.folder;
    if (folder === undefined || since.has(folder) || change.kind !== 'create') continue;
    if (!isChosen(change)) since.set(folder, change.at);
  }
  return since;
}

/** A removal that is there while an earlier rename in its folder is not: see `anyOf`. */
function hasEarlyRemoval(changes: readonly EntryChange[], isChosen: Chooser): boolean {
  const dropped = new Set<FolderNode | undefined>();
  for (const change of changes) {
    const folder = change.assignments[0]?.folder;
    if (change.kind === 'rename' && !isChosen(change)) dropped.add(folder);
    if (change.kind === 'unlink' && isChosen(change) && dropped.has(folder)) return true;
  }
  return false;
}

function chosenTree(model: DiskModel, isChosen: Chooser): Tree {
  const tree = new Map<FolderNode, Map<string, DiskNode>>();
  const chosen = model.entryChanges.filter(isChosen).flatMap((change) => change.assignments);
  for (const { folder, name, node } of [...model.baseEntries, ...chosen]) {
    const entries = tree.get(folder) ?? new Map<string, DiskNode>();
    tree.set(folder, entries);
    if (node === undefined) entries.delete(name);
    else entries.set(name, node);
  }
  return tree;
}

function chooser(
  changes: readonly EntryChange[],
  { reading, entries, isUnordered = false }: ImageKind,
  random: Random,
): Chooser {
  const isDurable = (change: EntryChange): boolean =>
    change.isDurable || (reading === 'named by its sync' && change.isDurableByFile);
  const pending = changes.filter((change) => !isDurable(change));
  const kept = isUnordered ? anyOf(pending, random, false) : keptOf(pending, entries, random);
  return (change) => isDurable(change) || kept.has(change);
}

/**
 * A removal that is there has the renames before it in its folder with it: LevelDB removes the manifest that CURRENT
 * named before its rename is synced, and relies on what every file system with a journal keeps.
 */
function anyOf(
  pending: readonly EntryChange[],
  random: Random,
  isOrdered: boolean,
): ReadonlySet<EntryChange> {
  const kept = new Set<EntryChange>();
  const dropped = new Set<FolderNode | undefined>();
  for (const change of pending) {
    const folder = change.assignments[0]?.folder;
    const isBarred = isOrdered && change.kind === 'unlink' && dropped.has(folder);
    if (!isBarred && random.below(2) === 0) kept.add(change);
    else if (change.kind === 'rename') dropped.add(folder);
  }
  return kept;
}

function keptOf(
  pending: readonly EntryChange[],
  style: EntryStyle,
  random: Random,
): ReadonlySet<EntryChange> {
  switch (style) {
    case 'none':
      return new Set();
    case 'all':
      return new Set(pending);
    case 'any':
      return anyOf(pending, random, true);
    case 'prefix':
      return new Set(pending.slice(0, random.below(pending.length + 1)));
    case 'prefixes': {
      const byFolder = new Map<FolderNode, EntryChange[]>();
      for (const change of pending) {
        const { folder } = mustGet(change.assignments[0], 'a change assigns something');
        byFolder.set(folder, [...(byFolder.get(folder) ?? []), change]);
      }
      return new Set(
        [...byFolder.values()].flatMap((own) => own.slice(0, random.below(own.length + 1))),
      );
    }
  }
}
