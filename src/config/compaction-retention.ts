import { formatDuration, parseDuration } from './duration.ts';
import type { AutoCompaction } from './server-config.ts';

/**
 * What `--auto-compaction-retention` means in a mode (embed/etcd.go, parseCompactionRetention): a number without a
 * unit counts hours or revisions. etcd reads a duration as so many nanoseconds of revisions, and ends at a negative
 * one; both are refused here.
 */
export function parseCompactionRetention(
  mode: string,
  retention: string,
): AutoCompaction | { readonly problem: string } {
  const flag = '--auto-compaction-retention';
  const isNumber = /^\+?\d+$/.test(retention);
  if (retention === '' || (isNumber && Number(retention) === 0)) return { mode: 'off' };
  if (isNumber && !Number.isSafeInteger(Number(retention) * hourMs)) {
    return { problem: `${flag}=${retention} is too large` };
  }
  if (isNumber) {
    const count = Number(retention);
    return mode === 'revision'
      ? { mode: 'revision', revisions: count }
      : { mode: 'periodic', periodMs: count * hourMs };
  }
  const durationMs = parseDuration(retention);
  if (durationMs === undefined) {
    const what = /^[+-]?[\d.]+$/.test(retention) ? 'missing unit in' : 'invalid';
    const shown = JSON.stringify(retention);
    return { problem: `error parsing CompactionRetention: time: ${what} duration ${shown}` };
  }
  if (durationMs === 0) return { mode: 'off' };
  if (mode === 'revision') {
    return {
      problem: `${flag}=${retention} is a time: with --auto-compaction-mode=revision it counts revisions`,
    };
  }
  if (durationMs < 0) {
    return { problem: `${flag} must be >=0 (set to ${formatDuration(durationMs)})` };
  }
  return { mode: 'periodic', periodMs: durationMs };
}

const hourMs = 3_600_000;
