import type { Scheduler } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Logger } from '../host/logger.ts';
import type { Metrics } from '../host/metrics.ts';
import type { Transport, TransportEvents } from '../peer/types.ts';
import type { RaftConfig } from '../raft/config.ts';
import type { DataDir } from '../storage/types.ts';
import type { AppliedStateLoader } from './applied-state.ts';
import type { AutoCompactionPolicy } from './auto-compaction.ts';
import type { IndexCheckpointSettings } from './index-checkpoint-parts.ts';

/** What a member is made of: every effect is handed in. */

/** Durations in milliseconds, sizes in bytes. */
export interface MemberSettings {
  readonly raft: Omit<RaftConfig, 'id' | 'random'>;
  readonly tickMs: number;
  readonly snapshotCatchupEntries: number;
  /** What the store may hold; negative is no limit. */
  readonly quotaBytes: number;
  readonly maxRequestBytes: number;
  /** Answers to ranges above this are made while they are sent. */
  readonly largeRangeBytes: number;
  readonly commitIntervalMs: number;
  readonly commitRowsMax: number;
  readonly compactionBatchLimit: number;
  readonly compactionSleepIntervalMs: number;
  readonly warningApplyDurationMs: number;
  /** How often the remaining TTLs of leases are written down; undefined: never. */
  readonly leaseCheckpointIntervalMs: number | undefined;
  readonly watchProgressIntervalMs: number;
  readonly autoCompaction: AutoCompactionPolicy;
  /** How often the leader compares the hashes of members; 0 is never. */
  readonly corruptCheckMs: number;
  readonly compactHashCheckMs: number;
  readonly indexCheckpoint: IndexCheckpointSettings;
  /** Bytes of rows kept in memory beside the store, to be read again. */
  readonly rowArenaBytes: number;
  /** Refuses changes of the members that could cost the quorum. */
  readonly strictReconfigCheck: boolean;
  readonly maxLearners: number;
}

export interface MemberHost {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Random for each start of the process: tells its proposals and reads from those of an earlier one. */
  readonly nonce: number;
  /**
   * The wall clock: it goes into the ids of new members, and tells whether the machine has slept
   * (leader-contact.ts). Wrong in any way, it can break nothing.
   */
  readonly unixTimeMs: () => number;
}

export interface MemberParts {
  readonly dataDir: DataDir;
  /** Has seen every row of the store while it was opened. */
  readonly loader: AppliedStateLoader;
  readonly settings: MemberSettings;
  readonly host: MemberHost;
  readonly openTransport: (events: TransportEvents) => Transport;
  /** The peers refuse this member for good, or an invariant broke: it must stop. */
  readonly onFatal: (reason: string) => void;
  /** This member was removed from the cluster while it ran: it has done its part and must stop. */
  readonly onRemoved: (reason: string) => void;
}
