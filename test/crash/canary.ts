import * as nodeFs from 'node:fs';
import { join } from 'node:path';
import { levelDatabases } from '../../src/storage/level-database.ts';

/** A small program to run under the shim: `canary FOLDER files|twice|room|level [KEY]`. It prints how it went. */

function files(folder: string): void {
  nodeFs.mkdirSync(folder, { recursive: true });
  const synced = nodeFs.openSync(join(folder, 'synced'), 'w+');
  let written = 0;
  while (written < 4) {
    written += nodeFs.writeSync(synced, Buffer.from('kept'), written, 4 - written, written);
  }
  nodeFs.fsyncSync(synced);
  const unsynced = nodeFs.openSync(join(folder, 'unsynced'), 'w');
  nodeFs.writeSync(unsynced, 'lost');
  nodeFs.writevSync(unsynced, [Buffer.from('a'), Buffer.from('b')]);
  nodeFs.ftruncateSync(unsynced, 5);
  syncFolder(folder);
  nodeFs.writeFileSync(join(folder, 'renamed.tmp'), 'kept', { flush: true });
  nodeFs.renameSync(join(folder, 'renamed.tmp'), join(folder, 'renamed'));
  nodeFs.writeFileSync(join(folder, 'removed'), 'gone');
  nodeFs.rmSync(join(folder, 'removed'));
  nodeFs.mkdirSync(join(folder, 'below'));
  nodeFs.appendFileSync(join(folder, 'below', 'appended'), 'one');
  nodeFs.appendFileSync(join(folder, 'below', 'appended'), 'two');
}

/** A sync that fails, and the same again with more written. */
function twice(folder: string): void {
  nodeFs.mkdirSync(folder, { recursive: true });
  const synced = nodeFs.openSync(join(folder, 'synced'), 'w');
  syncFolder(folder);
  nodeFs.writeSync(synced, 'lost');
  try {
    nodeFs.fdatasyncSync(synced);
    throw new Error('the first sync was to fail');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EIO')) throw error;
  }
  nodeFs.writeSync(synced, 'later');
  nodeFs.fdatasyncSync(synced);
}

function room(folder: string): void {
  nodeFs.mkdirSync(folder, { recursive: true });
  const { bavail, bsize } = nodeFs.statfsSync(folder);
  console.log(bavail * bsize);
}

function syncFolder(path: string): void {
  const folder = nodeFs.openSync(path, 'r');
  nodeFs.fsyncSync(folder);
  nodeFs.closeSync(folder);
}

function level(folder: string, key: string): Promise<void> {
  nodeFs.mkdirSync(folder, { recursive: true });
  return new Promise((resolve, reject) => {
    levelDatabases.open(folder, 'log', (openError, db) => {
      if (db === undefined) return reject(openError ?? new Error('not opened'));
      const batch = db.batch();
      batch.put(Buffer.from(key), new Uint8Array(100_000).fill(7));
      batch.write((error) => db.close(() => (error === undefined ? resolve() : reject(error))));
    });
  });
}

const [folder = '', what, key = 'key'] = process.argv.slice(2);
try {
  if (what === 'level') await level(folder, key);
  else if (what === 'twice') twice(folder);
  else if (what === 'room') room(folder);
  else files(folder);
  console.log('done');
} catch (error) {
  console.log(error instanceof Error && 'code' in error ? error.code : error);
}
