import { CheckpointReader } from './checkpoint-reader.ts';
import { MemberDataDir } from './data-dir.ts';
import type { Database } from './database.ts';
import {
  damagedFile,
  encodeIdentity,
  encodeLoss,
  encodePointer,
  fileSetOf,
  fileSetPaths,
  inspectDataDir,
  loadIdentity,
  loadLoss,
  loadPointer,
  names,
} from './data-dir-files.ts';
import { StorageContext } from './disk.ts';
import type { Disk } from './disk.ts';
import { StorageError, causeText, isLevelDamage, readAdvice, rejoinAdvice } from './errors.ts';
import type { Fatal } from './errors.ts';
import { FatalUntilEnd } from './fatal-until-end.ts';
import {
  checkIdentity,
  createEmptyStore,
  createLog,
  mustOpen,
  newWitness,
  removeFileSet,
} from './file-set.ts';
import type { FileSetId } from './file-set.ts';
import { replaceFile, runSteps, settled } from './fs.ts';
import type { FsDone, FsFile } from './fs.ts';
import { loadLog } from './log-open.ts';
import { logStart } from './log-rows.ts';
import { DatabaseLogStore, logCacheBytesDefault } from './log-store.ts';
import type { LogContent } from './log-store.ts';
import { SpaceGuard, makeReserve, reserveBytes } from './space-guard.ts';
import { DatabaseStateStore } from './state-store.ts';
import { loadStore } from './store-open.ts';
import { decodeWitness, describeLoss } from './tail-witness.ts';
import { freeBytesMin } from './types.ts';
import type {
  CheckpointTarget,
  DataDir,
  DataDirIdentity,
  Row,
  StateStore,
  StoreState,
} from './types.ts';
import type { Entry, HardState } from '../raft/types.ts';
import type { Scheduler } from '../base/clock.ts';

export interface DataDirOptions {
  readonly path: string;
  readonly disk: Disk;
  readonly scheduler: Scheduler;
  /** Called at most once; the process must end then. See `StorageError` for what it can say. */
  readonly fatal: Fatal;
  /** Bytes of recent log entries kept in memory. */
  readonly logCacheBytesMax?: number;
  /** Size of the reserve file; 0 for none. */
  readonly reserveBytes?: number;
}

export interface DataDirOpenOptions extends DataDirOptions {
  /** Refuses the data dir of another cluster or member before anything is opened. */
  readonly expect?: Pick<DataDirIdentity, 'clusterId' | 'memberId'>;
  /** Gets every row of the revision space in key order, in the same pass that checks them. */
  readonly onRows?: (rows: readonly Row[], state: StoreState) => void;
  /** Takes a checkpoint of what rows are made into; then `onRows` gets only those above it. */
  readonly checkpoint?: CheckpointTarget;
}

export interface DataDirCreateOptions extends DataDirOptions {
  readonly identity: DataDirIdentity;
  /** The log of a new cluster: one configuration entry per first member. Empty for a member that joins. */
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
}

/**
 * Makes the data dir of a new member, whole or (after a crash) not at all. It must be absent or empty. Rejects with a
 * StorageError that says what failed and what to do; the next start makes it anew.
 */
export async function createDataDir(options: DataDirCreateOptions): Promise<void> {
  const { path, disk } = options;
  const found = inspectDataDir(disk.fs, path);
  if (found.kind === 'refused') throw found.error;
  if (found.kind === 'ours') {
    throw new StorageError('DATA_DIR_REFUSED', `${path} already holds the data of a member`);
  }
  await toldFor(path, 'made', () => makeDataDir(options));
}

async function makeDataDir(options: DataDirCreateOptions): Promise<void> {
  const { path, disk, identity } = options;
  const { fs } = disk;
  const context = new StorageContext(disk, options.scheduler, options.path, options.fatal);
  const missing = missingFolders(disk, path);
  fs.makeFolder(path);
  restrictPermissions(disk, path);
  for (const folder of missing) await settled((done) => fs.syncFolder(parentOf(folder), done));
  const marker = { folder: path, name: names.creating };
  await settled((done) => replaceFile(fs, marker, new Uint8Array(0), done));
  await removeStrangers(context, path, undefined);

  const id: FileSetId = { dataDir: path, fileSet: 1, identity };
  const { entries, hardState } = options;
  await new Promise<void>((resolve, reject) => {
    createLog(context, id, { start: logStart, entries, hardState }, (error, db) => {
      if (db === undefined) return reject(error ?? new Error('the log was not made'));
      db.close(() => (error === undefined ? resolve() : reject(error)));
    });
  });
  const steps: ((done: FsDone) => void)[] = [
    (next) => createEmptyStore(context, id, next),
    (next) => maybeMakeReserve(context, options, next),
    (next) =>
      replaceFile(fs, { folder: path, name: names.identity }, encodeIdentity(identity), next),
    (next) => replaceFile(fs, { folder: path, name: names.current }, encodePointer(1), next),
    (next) => fs.remove(`${path}/${names.creating}`, next),
    (next) => fs.syncFolder(path, next),
  ];
  await settled((done) => runSteps(steps, done));
}

/**
 * Opens a member's data dir, having read and checked all of it. Rejects with a StorageError that says what is
 * wrong and what to do; then nothing of it is in use any more.
 */
export async function openDataDir(options: DataDirOpenOptions): Promise<DataDir> {
  const { path, disk } = options;
  const { fs } = disk;
  const found = inspectDataDir(fs, path);
  if (found.kind === 'refused') throw found.error;
  if (found.kind !== 'ours') {
    throw new StorageError('DATA_DIR_ABSENT', `${path} does not hold the data of a member`);
  }
  const identity = loadIdentity(fs, path);
  checkExpected(options, identity);
  const id = { dataDir: path, fileSet: loadPointer(fs, path), identity };
  return await toldFor(path, 'opened', () => openSound(options, id));
}

async function openSound(options: DataDirOpenOptions, id: FileSetId): Promise<DataDir> {
  const { path, disk } = options;
  restrictPermissions(disk, path);
  const opening = new FatalUntilEnd(options.fatal);
  const context = new StorageContext(disk, options.scheduler, path, (error) =>
    opening.failed(error),
  );
  const freeBytes = await askFreeBytes(disk, path);
  if (freeBytes < freeBytesMin)
    await settled((done) => disk.fs.remove(`${path}/${names.reserve}`, done));
  const opened: Database[] = [];
  try {
    const dataDir = await Promise.race([
      openFileSet(context, options, id, opened),
      opening.failure,
    ]);
    opening.end();
    return dataDir;
  } catch (error) {
    for (const db of opened) await new Promise<void>((resolve) => db.close(resolve));
    throw error;
  }
}

/** What the system said of a file, with the place and what to do. */
async function toldFor<T>(
  dataDir: string,
  what: 'made' | 'opened',
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof StorageError) throw what === 'made' ? inContext(error, dataDir) : error;
    const code = what === 'made' ? 'WRITE_FAILED' : 'READ_FAILED';
    const message = `The data dir ${dataDir} cannot be ${what}: ${causeText(error)}. ${readAdvice(dataDir)}`;
    throw new StorageError(code, message, error);
  }
}

async function openFileSet(
  context: StorageContext,
  options: DataDirOpenOptions,
  id: FileSetId,
  opened: Database[],
): Promise<DataDir> {
  const { fs } = context.disk;
  const { dataDir } = id;
  const paths = fileSetPaths(dataDir, id.fileSet);
  // The log's lock is the data dir's: nothing is changed before it is held.
  const logDb = await openDatabase(context, paths.log, 'log', dataDir);
  opened.push(logDb);
  await readable(paths.log, 'LOG_DAMAGED', dataDir, () => checkIdentity(logDb, id, paths.log));
  await removeStrangers(context, dataDir, id.fileSet);
  const cacheBytesMax = options.logCacheBytesMax ?? logCacheBytesDefault;
  const found = await readable(paths.log, 'LOG_DAMAGED', dataDir, () =>
    loadLog({ db: logDb, clusterId: id.identity.clusterId, cacheBytesMax, dataDir }),
  );

  const storeDb = await openDatabase(context, paths.store, 'store', dataDir);
  opened.push(storeDb);
  await readable(paths.store, 'STORE_DAMAGED', dataDir, () =>
    checkIdentity(storeDb, id, paths.store),
  );
  const onRows = options.onRows ?? (() => undefined);
  const checkpoint =
    options.checkpoint &&
    new CheckpointReader(context, { id, folder: paths.store }, options.checkpoint);
  const content = await readable(paths.store, 'STORE_DAMAGED', dataDir, () =>
    loadStore({ db: storeDb, dataDir, onRows, checkpoint }),
  );
  checkMeeting(found, content.meta.state, dataDir);

  const witnessFile = fs.readFile(paths.witness);
  const witnessed = witnessFile === undefined ? undefined : decodeWitness(witnessFile);
  if (witnessed === undefined) {
    throw damagedFile(dataDir, paths.witness.slice(dataDir.length + 1), 'cannot be read');
  }
  const proof = provedMissing(witnessed.state, found, content.meta.state);
  const provenLoss = await keepLoss(context, dataDir, proof);
  const file = await openFile(context, paths.witness);

  const space = new SpaceGuard(context, dataDir, await askFreeBytes(context.disk, dataDir));
  const store = new DatabaseStateStore({ context, db: storeDb, space, content });
  const log = new DatabaseLogStore({
    context,
    db: logDb,
    clusterId: id.identity.clusterId,
    witness: newWitness(context, file, witnessed),
    space,
    content: { ...found, hardState: withApplied(found.hardState, store) },
  });
  await maybeResetLog(log, store);
  await settled((done) => maybeMakeReserve(context, options, done));
  return new MemberDataDir({
    context,
    id,
    log,
    store,
    space,
    logCacheBytesMax: cacheBytesMax,
    provenLoss,
  });
}

/** What has been applied was committed, even if the log's own record of it is older. */
function withApplied(hardState: HardState, store: StateStore): HardState {
  return { ...hardState, commit: Math.max(hardState.commit, store.state.appliedIndex) };
}

function checkExpected(options: DataDirOpenOptions, identity: DataDirIdentity): void {
  const { expect, path } = options;
  if (expect === undefined) return;
  if (expect.clusterId === identity.clusterId && expect.memberId === identity.memberId) return;
  const describe = (of: Pick<DataDirIdentity, 'clusterId' | 'memberId'>): string =>
    `member ${of.memberId.toString(16)} of cluster ${of.clusterId.toString(16)}`;
  throw new StorageError(
    'IDENTITY_MISMATCH',
    `${path} belongs to ${describe(identity)}, but this is ${describe(expect)}; nothing in it was touched`,
  );
}

/** Log and store must meet: no gap between them, and the same history. */
function checkMeeting(
  log: LogContent,
  state: { readonly appliedIndex: number; readonly appliedTerm: number },
  dataDir: string,
): void {
  const { appliedIndex, appliedTerm } = state;
  const refuse = (what: string): never => {
    throw new StorageError('LOG_DAMAGED', `${what}. ${rejoinAdvice(dataDir)}`);
  };
  if (log.start.index > appliedIndex) {
    refuse(
      `The log begins at index ${log.start.index + 1}, but the store stands at index ${appliedIndex}`,
    );
  }
  if (appliedIndex > log.lastIndex) return;
  const term = log.terms.termAt(appliedIndex);
  if (term !== appliedTerm) {
    refuse(
      `The log's entry ${appliedIndex} is of term ${term}, but the store has applied one of term ` +
        `${appliedTerm} there`,
    );
  }
}

function provedMissing(
  witness: Parameters<typeof describeLoss>[0],
  log: LogContent,
  state: { readonly appliedIndex: number },
): string | undefined {
  const { lastIndex, start } = log;
  const loss = describeLoss(witness, {
    hardTerm: log.hardState.term,
    vote: log.hardState.vote,
    lastIndex,
    term: (index) =>
      index < start.index || index > lastIndex ? undefined : log.terms.termAt(index),
  });
  if (loss !== undefined || state.appliedIndex <= lastIndex) return loss;
  // The store commits only what the log has synced.
  return `The log ends at index ${lastIndex}, but the store has applied index ${state.appliedIndex}.`;
}

/**
 * A loss stays known: once the log has grown again, or a snapshot has come, the witness proves nothing any more,
 * but the votes and acknowledgements that went with what was lost are still out there.
 */
async function keepLoss(
  context: StorageContext,
  dataDir: string,
  proof: string | undefined,
): Promise<string | undefined> {
  const { fs } = context.disk;
  const known = loadLoss(fs, dataDir);
  if (known !== undefined || proof === undefined) return known;
  const file = { folder: dataDir, name: names.loss };
  await settled((done) => replaceFile(fs, file, encodeLoss(proof), done));
  return proof;
}

async function maybeResetLog(log: DatabaseLogStore, store: StateStore): Promise<boolean> {
  const { appliedIndex, appliedTerm } = store.state;
  if (appliedIndex <= log.lastIndex()) return false;
  const { term, vote } = log.hardState;
  const hardState =
    term >= appliedTerm
      ? { term, vote, commit: appliedIndex }
      : { term: appliedTerm, vote: 0n, commit: appliedIndex };
  await new Promise<void>((resolve) => log.reset(appliedIndex, appliedTerm, hardState, resolve));
  return true;
}

/** Removes what the pointer does not name. */
async function removeStrangers(
  context: StorageContext,
  dataDir: string,
  fileSet: number | undefined,
): Promise<void> {
  const { fs } = context.disk;
  const numbers = (fs.list(dataDir) ?? []).flatMap((entry) => fileSetOf(entry.name) ?? []);
  for (const number of new Set(numbers)) {
    if (number !== fileSet) {
      await settled((done) => removeFileSet(context, dataDir, number, done));
    }
  }
  if (fileSet === undefined) return;
  const path = `${dataDir}/${names.creating}`;
  await settled((done) => fs.remove(path, done));
}

function openDatabase(
  context: StorageContext,
  folder: string,
  kind: 'log' | 'store',
  dataDir: string,
): Promise<Database> {
  return new Promise((resolve, reject) => {
    context.disk.databases.open(folder, kind, (error, db) => {
      if (error === undefined) return resolve(mustOpen(db));
      reject(inContext(error, dataDir));
    });
  });
}

/** What the database itself cannot read is told as what it means, with the place. */
async function readable<T>(
  folder: string,
  damagedCode: 'LOG_DAMAGED' | 'STORE_DAMAGED',
  dataDir: string,
  load: () => T | Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof StorageError) throw error;
    const text = causeText(error);
    const code = isLevelDamage(text) ? damagedCode : 'READ_FAILED';
    throw inContext(new StorageError(code, `${folder} cannot be read: ${text}`, error), dataDir);
  }
}

/** Says what an error of one database means for the member. */
function inContext(error: Error, dataDir: string): Error {
  if (!(error instanceof StorageError)) return error;
  switch (error.code) {
    case 'DATA_DIR_IN_USE': {
      const message = `The data dir ${dataDir} is in use by another process.`;
      return new StorageError(error.code, message, error);
    }
    case 'LOG_DAMAGED':
    case 'STORE_DAMAGED':
      return new StorageError(error.code, `${error.message}. ${rejoinAdvice(dataDir)}`, error);
    case 'READ_FAILED': {
      const message = `${error.message}. ${readAdvice(dataDir)}`;
      return new StorageError(error.code, message, error);
    }
    default:
      return error;
  }
}

function openFile(context: StorageContext, path: string): Promise<FsFile> {
  return new Promise((resolve, reject) => {
    context.disk.fs.openFile(path, (error, file) => {
      if (file !== undefined) resolve(file);
      else reject(error ?? new Error(`cannot open ${path}`));
    });
  });
}

function askFreeBytes(disk: Disk, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    disk.fs.freeBytes(path, (error, bytes) => {
      if (error === undefined) resolve(bytes);
      else reject(error);
    });
  });
}

/** Makes the reserve file unless it is there, or the disk is too full to spare it. */
function maybeMakeReserve(context: StorageContext, options: DataDirOptions, done: FsDone): void {
  const { fs } = context.disk;
  const bytes = options.reserveBytes ?? reserveBytes;
  const isThere = fs.list(options.path)?.some((entry) => entry.name === names.reserve) === true;
  if (isThere || bytes === 0) return done(undefined);
  fs.freeBytes(options.path, (error, free) => {
    if (error !== undefined || free < bytes + freeBytesMin) return done(error);
    makeReserve(context, `${options.path}/${names.reserve}`, bytes, done);
  });
}

/** The data dir is its owner's alone; a mode that was widened is set back. */
function restrictPermissions(disk: Disk, path: string): void {
  const mode = disk.fs.permissions(path);
  if (mode === undefined || (mode & 0o077) === 0) return;
  try {
    disk.fs.setPermissions(path, 0o700);
  } catch (error) {
    const message = `${path} is open to others (mode ${mode.toString(8)}) and cannot be restricted to 700`;
    throw new StorageError('DATA_DIR_REFUSED', message, error);
  }
}

/** The data dir (an interrupted creation may have left it unsynced) and the folders above it that are not there. */
function missingFolders(disk: Disk, path: string): readonly string[] {
  const missing = [path];
  for (
    let at = parentOf(path);
    disk.fs.list(at) === undefined && parentOf(at) !== at;
    at = parentOf(at)
  ) {
    missing.push(at);
  }
  return missing;
}

function parentOf(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  const slash = trimmed.lastIndexOf('/');
  return slash < 0 ? '.' : slash === 0 ? '/' : trimmed.slice(0, slash);
}
