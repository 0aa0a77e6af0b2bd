import type { Bytes } from '../../src/base/bytes.ts';
import type { TraceRecord } from './trace-reader.ts';

/**
 * A data dir as the trace tells it: what was done to each file and folder, and which of it a sync has made durable.
 * From this an image of the disk after a power loss can be made at any point of the trace (images/).
 */

/** One change of a file's bytes. */
export interface DataChange {
  readonly at: number;
  readonly kind: 'write' | 'truncate' | 'allocate';
  readonly offset: number;
  /** Of the bytes written or allocated; a truncation has none. */
  readonly length: number;
  /** Empty: zeros. */
  readonly data: Bytes;
  isDurable: boolean;
  /** A failed sync has let go of it: no later sync makes it durable. */
  isForsaken: boolean;
}

export class FileNode {
  readonly kind = 'file';
  /** The name it was made under. */
  readonly name: string;
  /** What the folded changes have come to. */
  private bytes: Uint8Array;
  size: number;
  /** Changes not folded into `bytes` yet: the first of them is not durable. */
  changes: DataChange[] = [];
  /** Whether any sync of it has been done. */
  isSynced = false;

  constructor(name: string, bytes: Bytes = new Uint8Array(0)) {
    this.name = name;
    this.bytes = bytes;
    this.size = bytes.length;
    this.isSynced = bytes.length > 0;
  }

  /** The durable beginning of its history. A view: not to be changed. */
  get folded(): Bytes {
    return this.bytes.subarray(0, this.size);
  }

  synced(began: number): void {
    this.isSynced = true;
    for (const change of this.changes) {
      if (change.at < began && !change.isForsaken) change.isDurable = true;
    }
    this.fold();
  }

  forsake(began: number): void {
    for (const change of this.changes) {
      if (change.at < began && !change.isDurable) change.isForsaken = true;
    }
  }

  private fold(): void {
    let count = 0;
    for (const change of this.changes) {
      if (!change.isDurable) break;
      this.apply(change);
      count++;
    }
    this.changes = this.changes.slice(count);
  }

  private apply(change: DataChange): void {
    const end = change.kind === 'truncate' ? change.length : change.offset + change.length;
    if (end > this.bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.bytes.length));
      larger.set(this.folded);
      this.bytes = larger;
    }
    this.size = applyChange(this.bytes, this.size, change);
  }
}

/** Applies a change to bytes that are large enough; answers the file's new size. */
export function applyChange(bytes: Uint8Array, size: number, change: DataChange): number {
  const end = change.offset + change.length;
  switch (change.kind) {
    case 'truncate':
      bytes.fill(0, Math.min(size, change.length), Math.max(size, change.length));
      return change.length;
    case 'allocate':
      return Math.max(size, end);
    case 'write':
      if (change.data.length > 0) bytes.set(change.data, change.offset);
      else bytes.fill(0, change.offset, end);
      return Math.max(size, end);
  }
}

export class FolderNode {
  readonly kind = 'folder';
  /** As a running program sees them. */
  readonly entries = new Map<string, DiskNode>();
}

export type DiskNode = FileNode | FolderNode;

export interface EntryAssignment {
  readonly folder: FolderNode;
  readonly name: string;
  /** Undefined: the name stands for nothing any more. */
  readonly node: DiskNode | undefined;
}

/** One change of folders' entries; what a rename takes away and gives happens together. */
export interface EntryChange {
  readonly at: number;
  readonly kind: 'create' | 'rename' | 'link' | 'unlink';
  readonly path: string;
  readonly assignments: readonly EntryAssignment[];
  /** Its folder was synced. */
  isDurable: boolean;
  /** The file that it names was synced, which most file systems take as a sync of its entry too. */
  isDurableByFile: boolean;
}

const openCreate = 0o100;
const openTruncate = 0o1000;

export class DiskModel {
  readonly root = new FolderNode();
  /** The entries as they were when the trace began. */
  readonly baseEntries: EntryAssignment[] = [];
  readonly entryChanges: EntryChange[] = [];
  private readonly open = new Map<number, DiskNode>();

  apply(record: TraceRecord): void {
    switch (record.kind) {
      case 'start':
        this.open.clear();
        return;
      case 'baseFolder':
        if (record.path !== '') this.addBase(record.path, new FolderNode());
        return;
      case 'baseFile': {
        const data = record.zeroBytes > 0 ? new Uint8Array(record.zeroBytes) : record.data;
        return this.addBase(record.path, new FileNode(record.path, data));
      }
      case 'open':
        return this.opened(record);
      case 'duplicate':
        this.open.set(record.a, this.nodeOf(record));
        return;
      case 'close':
        this.open.delete(record.fd);
        return;
      case 'write':
      case 'truncate':
      case 'allocate':
        this.fileOf(record).changes.push(dataChange(record));
        return;
      case 'rename':
      case 'link':
      case 'unlink':
      case 'makeFolder':
      case 'removeFolder':
        return this.changeEntries(record);
      case 'sync':
        return this.synced(this.nodeOf(record), record.a);
      case 'syncFailed': {
        const node = this.nodeOf(record);
        if (node.kind === 'file') node.forsake(record.a);
        return;
      }
      case 'none':
      case 'unmodelled':
        throw new Error(`the trace has a call that is not modelled: ${record.path}`);
    }
  }

  /** The file or folder that a running program finds at a path. */
  find(path: string): DiskNode | undefined {
    let node: DiskNode | undefined = this.root;
    for (const name of path === '' ? [] : path.split('/')) {
      node = node?.kind === 'folder' ? node.entries.get(name) : undefined;
    }
    return node;
  }

  private addBase(path: string, node: DiskNode): void {
    const assignment = this.place(path, node);
    this.baseEntries.push(assignment);
    assign(assignment);
  }

  private opened(record: TraceRecord): void {
    let node = this.find(record.path);
    if (node === undefined) {
      if ((record.a & openCreate) === 0) {
        throw new Error(`the trace opens ${record.path}, which it has not made`);
      }
      node = new FileNode(record.path);
      this.changed(record, 'create', [this.place(record.path, node)]);
    } else if ((record.a & openTruncate) !== 0 && node.kind === 'file') {
      node.changes.push({ ...dataChange(record), kind: 'truncate', length: 0, offset: 0 });
    }
    this.open.set(record.fd, node);
  }

  private changeEntries(record: TraceRecord): void {
    const { path, path2 } = record;
    // The data dir's own entry is its parent's business, which the trace does not see.
    if (path === '') return;
    const node = this.find(path);
    switch (record.kind) {
      case 'rename':
        return this.changed(record, 'rename', [
          this.place(path2, node),
          this.place(path, undefined),
        ]);
      case 'link':
        return this.changed(record, 'link', [this.place(path2, node)]);
      case 'makeFolder':
        return this.changed(record, 'create', [this.place(path, new FolderNode())]);
      default:
        return this.changed(record, 'unlink', [this.place(path, undefined)]);
    }
  }

  private changed(
    record: TraceRecord,
    kind: EntryChange['kind'],
    assignments: readonly EntryAssignment[],
  ): void {
    const path = record.path2 === '' ? record.path : record.path2;
    this.entryChanges.push({
      at: record.at,
      kind,
      path,
      assignments,
      isDurable: false,
      isDurableByFile: false,
    });
    for (const assignment of assignments) assign(assignment);
  }

  private place(path: string, node: DiskNode | undefined): EntryAssignment {
    const slash = path.lastIndexOf('/');
    const folder = this.find(path.slice(0, Math.max(slash, 0)));
    if (folder?.kind !== 'folder') throw new Error(`the trace has no folder for ${path}`);
    return { folder, name: path.slice(slash + 1), node };
  }

  private synced(node: DiskNode, began: number): void {
    if (node.kind === 'file') {
      node.synced(began);
      this.entrySynced(node, began);
      return;
    }
    for (const change of this.entryChanges) {
      if (change.at >= began) break;
      if (change.assignments.some(({ folder }) => folder === node)) change.isDurable = true;
    }
  }

  /** The entries that lead to a node, up to the data dir. */
  private entrySynced(node: DiskNode, began: number): void {
    for (const change of this.entryChanges) {
      if (change.at >= began) break;
      for (const assignment of change.assignments) {
        if (assignment.node !== node || change.isDurableByFile) continue;
        change.isDurableByFile = true;
        this.entrySynced(assignment.folder, began);
      }
    }
  }

  private nodeOf(record: TraceRecord): DiskNode {
    const node = this.open.get(record.fd);
    if (node === undefined) throw new Error(`descriptor ${record.fd} is not open in the trace`);
    return node;
  }

  private fileOf(record: TraceRecord): FileNode {
    const node = this.nodeOf(record);
    if (node.kind !== 'file') throw new Error(`the trace writes to a folder`);
    return node;
  }
}

function assign({ folder, name, node }: EntryAssignment): void {
  if (node === undefined) folder.entries.delete(name);
  else folder.entries.set(name, node);
}

function dataChange(record: TraceRecord): DataChange {
  const length =
    record.kind === 'truncate'
      ? record.a
      : record.kind === 'allocate'
        ? record.b
        : record.zeroBytes + record.data.length;
  return {
    at: record.at,
    kind: record.kind === 'truncate' || record.kind === 'allocate' ? record.kind : 'write',
    offset: record.kind === 'truncate' ? 0 : record.a,
    length,
    data: record.data,
    isDurable: false,
    isForsaken: false,
  };
}
