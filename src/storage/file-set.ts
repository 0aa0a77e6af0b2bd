import { mustGet } from '../base/assert.ts';
import type { Entry, HardState } from '../raft/types.ts';
import type { Database } from './database.ts';
import { fileSetPaths, damagedFile } from './data-dir-files.ts';
import type { StorageContext } from './disk.ts';
import { runSteps } from './fs.ts';
import type { FsDone, FsFile } from './fs.ts';
import { hardStateFields, hardStateKey, positionFields, startKey } from './log-rows.ts';
import type { LogPosition } from './log-rows.ts';
import { RunCodec, runKey, splitRuns } from './log-runs.ts';
import { decodeRecord, encodeRecord } from './record.ts';
import { emptyStoreMeta, encodeMeta } from './store-meta.ts';
import { identityKey, metaKey } from './store-rows.ts';
import type { Bytes } from '../base/bytes.ts';
import { TailWitness, createWitness } from './tail-witness.ts';
import type { WitnessContent } from './tail-witness.ts';
import type { DataDirIdentity } from './types.ts';

/**
 * A file set: one log, one store, one witness. Each database says whose it is and of which set, so that files
 * copied about are found out.
 */
export interface FileSetId {
  readonly dataDir: string;
  readonly fileSet: number;
  readonly identity: DataDirIdentity;
}

/** How a new log begins. */
export interface LogInit {
  readonly start: LogPosition;
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
}

const identityFormat = 1;

export function identityRow(id: FileSetId): Bytes {
  const { clusterId, memberId, incarnation } = id.identity;
  const fields = [identityFormat, clusterId, memberId, incarnation, id.fileSet];
  return encodeRecord(identityKey, fields);
}

/** Refuses a database that belongs elsewhere. */
export function checkIdentity(db: Database, id: FileSetId, name: string): void {
  const row = db.get(identityKey);
  const fields = row === undefined ? undefined : decodeRecord(identityKey, row);
  if (fields === undefined) throw damagedFile(id.dataDir, name, 'does not say whose it is');
  const { clusterId, memberId, incarnation } = id.identity;
  const isSame =
    fields.number() === identityFormat &&
    fields.bigint() === clusterId &&
    fields.bigint() === memberId &&
    fields.bigint() === incarnation &&
    fields.number() === id.fileSet;
  if (!isSame) throw damagedFile(id.dataDir, name, 'belongs to another member or another time');
}

/** Makes log and witness of a new file set, all durable. The database stays open. */
export function createLog(
  context: StorageContext,
  id: FileSetId,
  init: LogInit,
  done: (error: Error | undefined, db: Database | undefined) => void,
): void {
  const { fs, databases } = context.disk;
  const paths = fileSetPaths(id.dataDir, id.fileSet);
  databases.open(paths.log, 'log', (openError, db) => {
    if (db === undefined) return done(openError, undefined);
    const steps: ((done: FsDone) => void)[] = [
      (next) => writeLog(db, id, init, next),
      (next) => createWitness(fs, paths.witness, createdWitness(init).state, next),
      (next) => fs.syncFolder(id.dataDir, next),
    ];
    runSteps(steps, (error) => done(error, db));
  });
}

/** The witness of a log that was just made. */
export function createdWitness(init: LogInit): WitnessContent {
  const { term: lastTerm, index: lastIndex } = init.entries.at(-1) ?? init.start;
  const { term: hardTerm, vote } = init.hardState;
  return { state: { hardTerm, vote, lastTerm, lastIndex }, sequence: 1, slotNumber: 0 };
}

export function newWitness(
  context: StorageContext,
  file: FsFile,
  content: WitnessContent,
): TailWitness {
  return new TailWitness(file, content, (error) =>
    context.writeFailed('a write to the tail witness', error),
  );
}

function writeLog(db: Database, id: FileSetId, init: LogInit, done: FsDone): void {
  const codec = new RunCodec(id.identity.clusterId);
  const batch = db.batch();
  batch.put(identityKey, identityRow(id));
  batch.put(startKey, encodeRecord(startKey, positionFields(init.start)));
  batch.put(hardStateKey, encodeRecord(hardStateKey, hardStateFields(init.hardState)));
  for (const run of splitRuns(init.entries)) {
    batch.put(runKey(run[0]?.index ?? 0), codec.encode(run));
  }
  batch.write(done);
}

/** Makes an empty store that does not yet say what it holds: `finishStore` or a received image does. */
export function createStore(
  context: StorageContext,
  id: FileSetId,
  done: (error: Error | undefined, db: Database | undefined) => void,
): void {
  const paths = fileSetPaths(id.dataDir, id.fileSet);
  context.disk.databases.open(paths.store, 'store', (openError, db) => {
    if (db === undefined) return done(openError, undefined);
    const batch = db.batch();
    batch.put(identityKey, identityRow(id));
    batch.write((error) => done(error, db));
  });
}

/** Makes the store of a member that has applied nothing. */
export function createEmptyStore(context: StorageContext, id: FileSetId, done: FsDone): void {
  createStore(context, id, (openError, db) => {
    if (db === undefined) return done(openError);
    if (openError !== undefined) return db.close(() => done(openError));
    const batch = db.batch();
    batch.put(metaKey, encodeMeta(emptyStoreMeta));
    batch.write((error) => db.close(() => done(error)));
  });
}

/** Removes a file set that is not in force. */
export function removeFileSet(
  context: StorageContext,
  dataDir: string,
  fileSet: number,
  done: FsDone,
): void {
  const { fs } = context.disk;
  const paths = fileSetPaths(dataDir, fileSet);
  const steps = [paths.log, paths.store, paths.witness].map(
    (path) => (next: FsDone) => fs.remove(path, next),
  );
  runSteps(steps, done);
}

/** The database that a callback without error has brought. */
export function mustOpen(db: Database | undefined): Database {
  return mustGet(db, 'an opening without error brings a database');
}
