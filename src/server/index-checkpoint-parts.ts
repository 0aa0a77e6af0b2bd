import type { Scheduler } from '../base/clock.ts';
import type { Logger } from '../host/logger.ts';
import type { DataDir } from '../storage/types.ts';
import type { AppliedState } from './applied-state.ts';
import type { Slicer } from './slicer.ts';
import type { StoreLoop } from './store-loop.ts';

/** When checkpoints of the index are written, and when one that a start went by is compared with the rows. */
export interface IndexCheckpointSettings {
  /** Rows that a start would have to read beyond the last checkpoint, below which there is no new one. */
  readonly rowsMin: number;
  /** From one to the next, or from a start to the first, at least. */
  readonly intervalMs: number;
  /** From the start to the beginning of the comparison. */
  readonly verifyAfterMs: number;
  /** How long a planned stop waits for one; 0: it does not begin one. */
  readonly stopLimitMs: number;
}

export interface IndexCheckpointerParts {
  readonly settings: IndexCheckpointSettings;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly dataDir: DataDir;
  readonly storeLoop: StoreLoop;
  /** Held while an entry is half applied. */
  readonly slicer: Slicer;
  readonly state: () => AppliedState;
  readonly appliedIndex: () => number;
  /** One is at work, or will be. */
  readonly isCompacting: () => boolean;
  /** Not while a received snapshot takes the place of the store. */
  readonly isServing: () => boolean;
  /** The index is not what the rows say. */
  readonly failed: (reason: string) => void;
}
