import type { ServerConfig } from '../config/server-config.ts';
import type { IndexCheckpointSettings } from '../server/index-checkpoint-parts.ts';
import { machineMemoryBytes } from '../host/memory.ts';
import type { MemberSettings } from '../server/member-parts.ts';

/** etcd's limits between members (server/etcdserver/raft.go, maxSizePerMsg and maxInflightMsgs). */
const maxSizePerMsgBytes = 512 * 1024;
const maxInflightMsgs = 512;
const maxInflightBytes = 64 * 1024 * 1024;
const maxUncommittedBytes = 128 * 1024 * 1024;
const maxCommittedBytesPerReady = 16 * 1024 * 1024;
const readsMax = 10_000;
const largeRangeBytes = 1024 * 1024;
/** A leader whose log write hangs this long steps down; a shared disk may well take a second now and then. */
const stalledElectionTimeouts = 5;
/** As etcd (server/lease/lessor.go, defaultLeaseCheckpointInterval). */
const leaseCheckpointIntervalMs = 5 * 60 * 1000;
/** etcd's default quota, which 0 stands for. */
const defaultQuotaBytes = 2 * 1024 * 1024 * 1024;
/** Holds 1,000,000 rows of 256 bytes; with all else a member then takes what etcd's mapped file takes for them. */
const rowArenaBytesMax = 384 * 1024 * 1024;
const rowArenaShareOfMemory = 1 / 16;

/**
 * Reading 50,000 rows takes a start about a quarter of a second. A stop waits for a checkpoint no longer than a start
 * without one would take to read two million rows.
 */
const usualIndexCheckpoint: IndexCheckpointSettings = {
  rowsMin: 50_000,
  intervalMs: 2 * 60 * 1000,
  verifyAfterMs: 60 * 1000,
  stopLimitMs: 10 * 1000,
};

/** What the flags mean to the member's loops. One tick is one heartbeat interval, as in etcd. */
export function memberSettings(
  config: ServerConfig,
  indexCheckpoint = usualIndexCheckpoint,
): MemberSettings {
  const electionTicks = Math.max(
    2,
    Math.floor(config.electionTimeoutMs / config.heartbeatIntervalMs),
  );
  return {
    raft: {
      electionTicks,
      heartbeatTicks: 1,
      preVote: config.preVote,
      checkQuorum: true,
      maxSizePerMsgBytes,
      maxInflightMsgs,
      maxInflightBytes,
      maxUncommittedBytes,
      maxCommittedBytesPerReady,
      readsMax,
      appendStallTicks: stalledElectionTimeouts * electionTicks,
    },
    tickMs: config.heartbeatIntervalMs,
    snapshotCatchupEntries: config.snapshotCatchupEntries,
    quotaBytes: quotaBytes(config.quotaBackendBytes),
    maxRequestBytes: config.maxRequestBytes,
    largeRangeBytes,
    commitIntervalMs: config.backendBatchIntervalMs,
    commitRowsMax: config.backendBatchLimit,
    compactionBatchLimit: config.compactionBatchLimit,
    compactionSleepIntervalMs: config.compactionSleepIntervalMs,
    warningApplyDurationMs: config.warningApplyDurationMs,
    leaseCheckpointIntervalMs: config.leaseCheckpoint ? leaseCheckpointIntervalMs : undefined,
    watchProgressIntervalMs: watchProgressIntervalMs(config.watchProgressNotifyIntervalMs),
    autoCompaction: config.autoCompaction,
    corruptCheckMs: config.corruptCheckTimeMs,
    compactHashCheckMs: config.compactHashCheck ? config.compactHashCheckTimeMs : 0,
    indexCheckpoint,
    rowArenaBytes: Math.min(rowArenaBytesMax, machineMemoryBytes() * rowArenaShareOfMemory),
    strictReconfigCheck: config.strictReconfigCheck,
    maxLearners: config.maxLearners,
  };
}

function quotaBytes(configured: number): number {
  if (configured === 0) return defaultQuotaBytes;
  return configured;
}

/** As etcd: 0 or below is the default of ten minutes, and no interval is shorter than a tenth of a second. */
function watchProgressIntervalMs(configured: number): number {
  return configured <= 0 ? 600_000 : Math.max(100, configured);
}
