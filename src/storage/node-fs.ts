import * as nodeFs from 'node:fs';
import { dirname } from 'node:path';
import type { Bytes } from '../base/bytes.ts';
import type { Fs, FsCount, FsDone, FsEntry, FsFile } from './fs.ts';

/** `Fs` over the machine's file system. */
export const diskFs: Fs = {
  list(folder) {
    return unlessAbsent(() =>
      nodeFs.readdirSync(folder, { withFileTypes: true }).map((entry): FsEntry => ({
        name: entry.name,
        kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other',
      })),
    );
  },
  readFile(path) {
    return unlessAbsent(() => new Uint8Array(nodeFs.readFileSync(path)));
  },
  makeFolder,
  permissions(path) {
    if (process.platform === 'win32') return undefined;
    return nodeFs.statSync(path).mode & 0o777;
  },
  setPermissions(path, mode) {
    nodeFs.chmodSync(path, mode);
  },
  openFile(path, done) {
    const flags = nodeFs.constants.O_RDWR | nodeFs.constants.O_CREAT | noFollow;
    nodeFs.open(path, flags, 0o600, (error, descriptor) => {
      if (error === null) done(undefined, new DiskFile(descriptor));
      else done(error, undefined);
    });
  },
  rename(from, to, done) {
    nodeFs.rename(from, to, plain(done));
  },
  syncFolder(path, done) {
    // Windows has no such call; NTFS journals its folders.
    if (process.platform === 'win32') {
      setImmediate(done, undefined);
      return;
    }
    nodeFs.open(path, 'r', (openError, descriptor) => {
      if (openError !== null) return done(openError);
      nodeFs.fsync(descriptor, (syncError) => {
        nodeFs.close(descriptor, (closeError) => done(syncError ?? closeError ?? undefined));
      });
    });
  },
  remove(path, done) {
    nodeFs.rm(path, { recursive: true, force: true }, plain(done));
  },
  freeBytes(path, done) {
    nodeFs.statfs(path, (error, stats) => {
      if (error === null) done(undefined, stats.bavail * stats.bsize);
      else done(error, 0);
    });
  },
};

const noFollow = nodeFs.constants.O_NOFOLLOW ?? 0;

class DiskFile implements FsFile {
  private readonly descriptor: number;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  read(into: Bytes, position: number, done: FsCount): void {
    this.readOn(into, 0, position, done);
  }

  write(bytes: Bytes, position: number, done: FsDone): void {
    nodeFs.write(this.descriptor, bytes, 0, bytes.length, position, (error, written) => {
      if (error !== null) return done(error);
      if (written === bytes.length) return done(undefined);
      // A short write is no error of the system call; the next one says why, as on a full disk.
      if (written === 0) return done(new Error('the file system wrote nothing'));
      this.write(bytes.subarray(written), position + written, done);
    });
  }

  private readOn(into: Bytes, filled: number, position: number, done: FsCount): void {
    const left = into.length - filled;
    if (left === 0) return done(undefined, filled);
    nodeFs.read(this.descriptor, into, filled, left, position + filled, (error, count) => {
      if (error !== null) return done(error, filled);
      if (count === 0) return done(undefined, filled);
      this.readOn(into, filled + count, position, done);
    });
  }

  sync(done: FsDone): void {
    nodeFs.fdatasync(this.descriptor, plain(done));
  }

  close(done: FsDone): void {
    nodeFs.close(this.descriptor, plain(done));
  }
}

function plain(done: FsDone): (error?: Error | null) => void {
  return (error) => done(error ?? undefined);
}

function unlessAbsent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** One folder after the other: below a path such as /proc, Node's own recursion tries for ever. */
function makeFolder(path: string): void {
  if (nodeFs.existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  nodeFs.mkdirSync(path, { mode: 0o700 });
}
