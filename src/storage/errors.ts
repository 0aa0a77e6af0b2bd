/** What can be wrong with a data dir or its disk, by stable code. Messages are sentences for operators. */
export type StorageErrorCode =
  /** Another process holds the data dir. */
  | 'DATA_DIR_IN_USE'
  /** The data dir holds something that is not ours, or not for this program; it was not touched. */
  | 'DATA_DIR_REFUSED'
  | 'DATA_DIR_ABSENT'
  /** Made by a version whose format this one does not know. */
  | 'FORMAT_UNSUPPORTED'
  /** The data dir belongs to another cluster or member. */
  | 'IDENTITY_MISMATCH'
  | 'LOG_DAMAGED'
  | 'STORE_DAMAGED'
  /** One of the small files beside the databases is damaged or missing. */
  | 'FILE_DAMAGED'
  /** A write was not tried, because it might not have fitted. Final. */
  | 'NO_SPACE'
  /** A write or sync failed. Final: what the disk holds is unknown until the next start. */
  | 'WRITE_FAILED'
  | 'READ_FAILED';

export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Called once, with the error after which this process must not go on. The member exits. */
export type Fatal = (error: StorageError) => void;

/** What an operator does about a member whose disk cannot be trusted. */
export function rejoinAdvice(dataDir: string): string {
  return (
    `This member must not serve from it. Remove the member from the cluster, remove the data dir ` +
    `${dataDir}, and rejoin as a new member; the other members hold the data.`
  );
}

/** What an operator looks after when a read failed that tells nothing of damage. */
export function readAdvice(dataDir: string): string {
  return (
    'Check that the disk is sound and not full, and that this user may read and write ' +
    `${dataDir}; then start the member again.`
  );
}

/** What an operator looks after when a write or a sync failed: what the disk holds of it nobody knows. */
export function writeAdvice(dataDir: string): string {
  return (
    'Nothing that rests on it was acknowledged. Check that the disk is sound and not full, and that this user may ' +
    `write ${dataDir}; then start the member again.`
  );
}

export function causeText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error
    ? `${error.message}: ${causeText(error.cause)}`
    : error.message;
}

/**
 * LevelDB's word for damage is "Corruption". A file that it knows and that is not there, or that ends before what it
 * knows to be in it, it tells as an I/O error; so are a full disk and a missing permission, which are no damage.
 */
export function isLevelDamage(text: string): boolean {
  return /\bCorruption\b|No such file or directory|\.(ldb|sst): Invalid argument/i.test(text);
}
