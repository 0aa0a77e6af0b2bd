/** What a member asks of a `MemoryDisk`. Whoever owns the disk decides when, and whether, it succeeds. */
export interface DiskOperation {
  readonly kind: DiskOperationKind;
  readonly path: string;
  /** Makes the effect durable without telling: what a power loss right before the answer leaves. */
  persist(): void;
  /** Takes effect and answers. */
  complete(): void;
  /** Answers with an error. Whether it took effect is for the owner to choose, by `persist`. */
  fail(error: Error): void;
}

export type DiskOperationKind =
  'open' | 'close' | 'read' | 'batch' | 'write' | 'sync' | 'rename' | 'syncFolder' | 'remove';

/** What an operation does to the disk, and whom it tells. */
export interface DiskEffect {
  readonly kind: DiskOperationKind;
  readonly path: string;
  readonly effect: () => void;
  readonly answer: (error: Error | undefined) => void;
}

/** The error LevelDB gives, as classic-level words it. */
export function ioError(message: string): Error {
  return Object.assign(new Error(`IO error: ${message}`), { code: 'LEVEL_IO_ERROR' });
}
