import { copyBytes, emptyBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Fs, FsCount, FsDone, FsEntry, FsFile } from './fs.ts';
import type { DiskEffect } from './memory-operation.ts';

/** A file or folder. A folder has no content; what lies in it is found by its path. */
interface Node {
  readonly kind: 'file' | 'folder' | 'other';
  content: Bytes;
  /** What a power loss leaves of the content. */
  synced: Bytes;
  mode: number;
}

/** What a power loss leaves of a file's content that was written and not synced. */
export type Tear = (path: string, synced: Bytes, written: Bytes) => Bytes;

/**
 * `Fs` in memory that keeps apart what was written and what was synced: a file's content becomes durable by its
 * own sync, its name (created, renamed, removed) by that of its folder.
 */
export class MemoryFs implements Fs {
  private readonly submit: (effect: DiskEffect) => void;
  private readonly free: () => number;
  private nodes = new Map<string, Node>();
  private syncedNodes = new Map<string, Node>();

  constructor(submit: (effect: DiskEffect) => void, free: () => number) {
    this.submit = submit;
    this.free = free;
  }

  has(path: string): boolean {
    return path === '/' || this.nodes.has(path);
  }

  /** Puts a file there, durably: for tests that damage one. */
  plant(path: string, content: Bytes, kind: FsEntry['kind'] = 'file'): void {
    const node: Node = { kind, content, synced: content, mode: 0o600 };
    this.nodes.set(path, node);
    this.syncedNodes.set(path, node);
  }

  /**
   * `keeps` says of each path whether a change of it that was not synced has reached the disk after all; of the
   * content of those that it does not keep, `tear` may leave some.
   */
  crash(keeps: (path: string) => boolean, tear: Tear = (_path, synced) => synced): void {
    const paths = new Set([...this.nodes.keys(), ...this.syncedNodes.keys()]);
    const left = new Map<string, Node>();
    for (const path of paths) {
      const node = (keeps(path) ? this.nodes : this.syncedNodes).get(path);
      if (node === undefined) continue;
      const content = keeps(path) ? node.content : tornContent(node, path, tear);
      left.set(path, { ...node, content, synced: content });
    }
    for (const path of left.keys()) if (!hasParents(left, path)) left.delete(path);
    this.nodes = left;
    this.syncedNodes = new Map(left);
  }

  list(folder: string): readonly FsEntry[] | undefined {
    if (!this.has(folder)) return undefined;
    const entries: FsEntry[] = [];
    for (const [path, { kind }] of this.nodes) {
      if (parentOf(path) !== folder) continue;
      entries.push({ name: path.slice(path.lastIndexOf('/') + 1), kind });
    }
    return entries;
  }

  readFile(path: string): Bytes | undefined {
    const node = this.nodes.get(path);
    return node === undefined ? undefined : copyBytes(node.content);
  }

  makeFolder(path: string): void {
    const parent = parentOf(path);
    if (!this.has(parent)) this.makeFolder(parent);
    this.nodes.set(path, { kind: 'folder', content: emptyBytes, synced: emptyBytes, mode: 0o700 });
  }

  permissions(path: string): number | undefined {
    return this.nodes.get(path)?.mode;
  }

  setPermissions(path: string, mode: number): void {
    const node = this.nodes.get(path);
    if (node !== undefined) node.mode = mode;
  }

  openFile(path: string, done: (error: Error | undefined, file: FsFile | undefined) => void): void {
    let file: MemoryFile | undefined;
    const effect = (): void => {
      const node = this.nodes.get(path) ?? {
        kind: 'file' as const,
        content: emptyBytes,
        synced: emptyBytes,
        mode: 0o600,
      };
      this.nodes.set(path, node);
      file = new MemoryFile(path, node, this.submit);
    };
    this.submit({ kind: 'open', path, effect, answer: (error) => done(error, file) });
  }

  rename(from: string, to: string, done: FsDone): void {
    const effect = (): void => {
      const node = this.nodes.get(from);
      if (node === undefined) return;
      this.nodes.delete(from);
      this.nodes.set(to, node);
    };
    this.submit({ kind: 'rename', path: to, effect, answer: done });
  }

  syncFolder(path: string, done: FsDone): void {
    const effect = (): void => {
      for (const known of new Set([...this.nodes.keys(), ...this.syncedNodes.keys()])) {
        if (parentOf(known) !== path) continue;
        const node = this.nodes.get(known);
        if (node === undefined) this.syncedNodes.delete(known);
        else this.syncedNodes.set(known, node);
      }
    };
    this.submit({ kind: 'syncFolder', path, effect, answer: done });
  }

  remove(path: string, done: FsDone): void {
    const effect = (): void => {
      for (const known of this.nodes.keys()) {
        if (known === path || known.startsWith(`${path}/`)) this.nodes.delete(known);
      }
    };
    this.submit({ kind: 'remove', path, effect, answer: done });
  }

  freeBytes(path: string, done: (error: Error | undefined, bytes: number) => void): void {
    const answer = (error: Error | undefined): void => done(error, this.free());
    this.submit({ kind: 'read', path, effect: () => undefined, answer });
  }
}

class MemoryFile implements FsFile {
  private readonly path: string;
  private readonly node: Node;
  private readonly submit: (effect: DiskEffect) => void;

  constructor(path: string, node: Node, submit: (effect: DiskEffect) => void) {
    this.path = path;
    this.node = node;
    this.submit = submit;
  }

  read(into: Bytes, position: number, done: FsCount): void {
    let count = 0;
    const effect = (): void => {
      const found = this.node.content.subarray(position, position + into.length);
      into.set(found);
      count = found.length;
    };
    const answer = (error: Error | undefined): void => done(error, count);
    this.submit({ kind: 'read', path: this.path, effect, answer });
  }

  write(bytes: Bytes, position: number, done: FsDone): void {
    const written = copyBytes(bytes);
    const effect = (): void => {
      this.node.content = overwritten(this.node.content, written, position);
    };
    this.submit({ kind: 'write', path: this.path, effect, answer: done });
  }

  sync(done: FsDone): void {
    const effect = (): void => {
      this.node.synced = this.node.content;
    };
    this.submit({ kind: 'sync', path: this.path, effect, answer: done });
  }

  close(done: FsDone): void {
    this.submit({ kind: 'close', path: this.path, effect: () => undefined, answer: done });
  }
}

/**
 * A file's content after a write. What was synced of it may be a view of the same memory, and stays as it is: only
 * what lies behind the old content is written in place, room for which is made ahead.
 */
function overwritten(content: Bytes, written: Bytes, position: number): Bytes {
  const length = Math.max(content.length, position + written.length);
  const { buffer, byteOffset } = content;
  if (position === content.length && byteOffset + length <= buffer.byteLength) {
    const grown = new Uint8Array(buffer, byteOffset, length);
    grown.set(written, position);
    return grown;
  }
  const next = new Uint8Array(position === content.length ? 2 * length : length).subarray(
    0,
    length,
  );
  next.set(content);
  next.set(written, position);
  return next;
}

function tornContent({ synced, content }: Node, path: string, tear: Tear): Bytes {
  return content === synced ? synced : tear(path, synced, content);
}

/** Paths are absolute. */
function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}

function hasParents(nodes: ReadonlyMap<string, Node>, path: string): boolean {
  const parent = parentOf(path);
  return parent === '/' || (nodes.has(parent) && hasParents(nodes, parent));
}
