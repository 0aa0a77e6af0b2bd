import { fileURLToPath } from 'node:url';
import type { IndexCheckpointSettings } from '../../src/server/index-checkpoint-parts.ts';
import { checkpointName } from '../../src/storage/checkpoint-format.ts';
import type { Program } from '../members/programs.ts';
import { quorate } from '../members/programs.ts';

/** A member of a few hundred keys would not write its index down at all; these do it all the time. */
export const busyCheckpoints: IndexCheckpointSettings = {
  rowsMin: 20,
  intervalMs: 150,
  // Until it has been compared with the rows, no next one is written.
  verifyAfterMs: 20,
  stopLimitMs: 5_000,
};

/** The server with these settings. Its ES modules would settle the size of the thread pool too late: `threads`. */
export const checkpointing: Program = {
  label: `${quorate.label}, which writes its index down often`,
  command: [process.execPath, fileURLToPath(new URL('member-entry.js', import.meta.url))],
};
export const threads = { UV_THREADPOOL_SIZE: '16' } as const;

export const isCheckpoint = (path: string): boolean => path.endsWith(`/${checkpointName}`);
