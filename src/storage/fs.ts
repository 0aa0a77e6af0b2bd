import type { Bytes } from '../base/bytes.ts';

/**
 * The few file operations behind the small files of a data dir (identity, pointer, tail witness, reserve), so
 * that tests and the simulator can lose what was not synced. Synchronous ones are for opening only; the others
 * call back, never within the call. Errors are Node's.
 */
export interface Fs {
  /** Undefined when there is no such folder. */
  list(folder: string): readonly FsEntry[] | undefined;
  /** Undefined when there is no such file. */
  readFile(path: string): Bytes | undefined;
  /** Makes a folder, and those above it, for the owner alone (0700). */
  makeFolder(path: string): void;
  /** The permission bits; undefined where the system has none. */
  permissions(path: string): number | undefined;
  setPermissions(path: string, mode: number): void;

  /** Opens for reading and writing; makes the file (0600) when it is not there. */
  openFile(path: string, done: (error: Error | undefined, file: FsFile | undefined) => void): void;
  rename(from: string, to: string, done: FsDone): void;
  /** Makes the entries of a folder durable: what was created, renamed or removed in it. */
  syncFolder(path: string, done: FsDone): void;
  /** Removes a file, or a folder and all in it. Nothing there is no error. */
  remove(path: string, done: FsDone): void;
  /** Bytes that an unprivileged process can still write on the disk of `path`. */
  freeBytes(path: string, done: (error: Error | undefined, bytes: number) => void): void;
}

export interface FsEntry {
  readonly name: string;
  /** `other` includes symbolic links: nothing in a data dir is reached through one. */
  readonly kind: 'file' | 'folder' | 'other';
}

export interface FsFile {
  /** Fills `into` from `position` on, or as much of it as there is; answers how many bytes. */
  read(into: Bytes, position: number, done: FsCount): void;
  write(bytes: Bytes, position: number, done: FsDone): void;
  sync(done: FsDone): void;
  close(done: FsDone): void;
}

export type FsCount = (error: Error | undefined, count: number) => void;
export type FsDone = (error: Error | undefined) => void;

/** Writes a file whole and durably: at every moment its name stands for the old content or the new. */
export function replaceFile(fs: Fs, file: FilePath, bytes: Bytes, done: FsDone): void {
  const path = `${file.folder}/${file.name}`;
  const temporary = `${path}${temporarySuffix}`;
  // What an interrupted replacement has left may be longer than the new content.
  fs.remove(temporary, (removeError) => {
    if (removeError !== undefined) return done(removeError);
    writeAndRename(fs, { temporary, path, folder: file.folder }, bytes, done);
  });
}

function writeAndRename(
  fs: Fs,
  { temporary, path, folder }: Readonly<Record<'temporary' | 'path' | 'folder', string>>,
  bytes: Bytes,
  done: FsDone,
): void {
  fs.openFile(temporary, (openError, handle) => {
    if (handle === undefined) return done(openError);
    const steps: ((done: FsDone) => void)[] = [
      (next) => handle.write(bytes, 0, next),
      (next) => handle.sync(next),
      (next) => handle.close(next),
      (next) => fs.rename(temporary, path, next),
      (next) => fs.syncFolder(folder, next),
    ];
    runSteps(steps, done);
  });
}

export interface FilePath {
  readonly folder: string;
  readonly name: string;
}

export const temporarySuffix = '.tmp';

/** Runs the steps one after the other; the first error ends it. */
export function runSteps(steps: readonly ((done: FsDone) => void)[], done: FsDone): void {
  const run = (at: number): void => {
    const step = steps[at];
    if (step === undefined) return done(undefined);
    step((error) => (error === undefined ? run(at + 1) : done(error)));
  };
  run(0);
}

/** A callback as a promise, for opening. */
export function settled(start: (done: FsDone) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === undefined ? resolve() : reject(error)));
  });
}
