import type { Random } from '../../src/base/random.ts';
import { defaultServerConfig } from '../../src/config/server-config.ts';
import { memberSettings } from '../../src/embed/settings.ts';
import type { MemberSettings } from '../../src/server/member-parts.ts';
import { chance, logUniform, oneOf, streamOf } from './streams.ts';

/** What a run is made of beside its steps. Plain data: it is written into schedule.json as it is. */
export interface SimSettings {
  readonly seed: number;
  readonly members: number;
  /** Virtual time until the world heals. */
  readonly durationMs: number;
  /** A cut link loses what is sent in silence; otherwise the sender is told. */
  readonly isCutSilent: boolean;
  /** Each look at the clock takes so long: work that is done in slices then needs more than one. */
  readonly lookMs: number;
  /** How fast the clock of each member runs beside the world's, by its number; 1 beyond the list. */
  readonly clockRates: readonly number[];
  /** Before everything heals, a majority alone must make progress. */
  readonly healsMajorityFirst: boolean;
  /** Whether that majority is one without whoever led, as far as there are others. */
  readonly avoidsLeader: boolean;
  /** What befalls the leader when everything else has healed. */
  readonly trial: Trial;
  /** Values are so long: enough long ones fill the queues of watchers who do not read. */
  readonly paddingBytes: number;
  /** Keys that are written beside the registers. */
  readonly keys: number;
  /** Values of what is written many keys at a time. */
  readonly wideValueBytes: number;
  readonly features: Features;
  readonly member: MemberOverrides;
}

/** It does not hear, is not heard, or its disk hangs. */
export type Trial = 'none' | 'deaf' | 'mute' | 'hangs';

export type Feature =
  | 'clients'
  | 'wide'
  | 'operators'
  | 'leases'
  | 'watchers'
  | 'changes'
  | 'transfers'
  | 'compactions'
  | 'crashes'
  | 'blackouts'
  | 'stops'
  | 'pauses'
  | 'clocks'
  | 'partitions'
  | 'cuts'
  | 'clogs'
  | 'noise'
  | 'lies'
  | 'redeliveries'
  | 'slowDisks'
  | 'failingDisks'
  | 'fullDisks'
  | 'losses';

/** Events a second of virtual time, of the features that are on. */
export type Features = Readonly<Partial<Record<Feature, number>>>;

/** Those settings of members that a run chooses, all of them numbers and truths. */
export interface MemberOverrides {
  readonly preVote: boolean;
  readonly maxSizePerMsgBytes: number;
  readonly maxInflightMsgs: number;
  readonly maxCommittedBytesPerReady: number;
  readonly readsMax: number;
  readonly snapshotCatchupEntries: number;
  readonly maxRequestBytes: number;
  readonly largeRangeBytes: number;
  readonly commitIntervalMs: number;
  readonly commitRowsMax: number;
  readonly compactionBatchLimit: number;
  readonly compactionSleepIntervalMs: number;
  readonly watchProgressIntervalMs: number;
  readonly maxLearners: number;
  readonly isCheckpointing: boolean;
  readonly quotaBytes: number;
  /** 0: there is none. */
  readonly autoCompactionMs: number;
  readonly corruptCheckMs: number;
  readonly compactHashCheckMs: number;
  /** `IndexCheckpointSettings.rowsMin`. */
  readonly indexCheckpointRowsMin: number;
}

/** The rates between which a feature that is on draws its own, log-uniform. */
const rates: Readonly<Record<Feature, readonly [least: number, most: number]>> = {
  clients: [4, 120],
  wide: [0.2, 4],
  operators: [0.1, 1],
  leases: [0.5, 8],
  watchers: [0.5, 12],
  changes: [0.1, 2],
  transfers: [0.05, 3],
  compactions: [0.05, 5],
  crashes: [0.03, 0.6],
  blackouts: [0.01, 0.1],
  stops: [0.02, 0.3],
  pauses: [0.03, 0.6],
  clocks: [0.02, 0.3],
  partitions: [0.02, 0.4],
  cuts: [0.03, 0.6],
  clogs: [0.03, 0.6],
  noise: [0.02, 0.3],
  lies: [0.05, 3],
  redeliveries: [0.05, 3],
  slowDisks: [0.03, 0.5],
  failingDisks: [0.01, 0.2],
  fullDisks: [0.01, 0.1],
  losses: [0.01, 0.05],
};

/** Without writes there is nothing to be lost. */
const always: ReadonlySet<Feature> = new Set(['clients']);

export function settingsOf(seed: number): SimSettings {
  const random = streamOf(seed, 'settings');
  return {
    seed,
    members: oneOf(random, [1, 2, 3, 3, 3, 3, 4, 5, 5, 7]),
    durationMs: Math.round(logUniform(random, 5_000, 60_000) * (chance(random, 0.05) ? 10 : 1)),
    isCutSilent: chance(random, 0.5),
    lookMs: oneOf(random, [0, 0, 0, 0.2]),
    clockRates: chance(random, 0.5) ? Array.from({ length: 7 }, () => anyRate(random)) : [],
    healsMajorityFirst: chance(random, 0.5),
    avoidsLeader: chance(random, 0.5),
    trial: oneOf<Trial>(random, ['none', 'none', 'deaf', 'mute', 'hangs']),
    paddingBytes: oneOf(random, [0, 0, 0, 0, 0, 10_000]),
    keys: oneOf(random, [1, 5, 20, 20, 200]),
    wideValueBytes: oneOf(random, [10, 10, 10, 300, 300, 6000]),
    features: featuresOf(seed),
    member: overridesOf(streamOf(seed, 'member')),
  };
}

/** From half to double, as often slow as fast. */
export function anyRate(random: Random): number {
  return Math.round(logUniform(random, 0.5, 2) * 100) / 100;
}

function featuresOf(seed: number): Features {
  const features: Partial<Record<Feature, number>> = {};
  for (const feature of Object.keys(rates) as Feature[]) {
    const random = streamOf(seed, `feature ${feature}`);
    const [least, most] = rates[feature];
    const isOn = chance(random, 0.5) || always.has(feature);
    const perSecond = Math.round(logUniform(random, least, most) * 1000) / 1000;
    if (isOn) features[feature] = perSecond;
  }
  return features;
}

/** Small windows and batches, so that what is rare in production happens often. */
function overridesOf(random: Random): MemberOverrides {
  const base = memberSettings(defaultServerConfig());
  const { raft } = base;
  return {
    preVote: random.below(4) > 0,
    maxSizePerMsgBytes: oneOf(random, [1, 200, 5000, raft.maxSizePerMsgBytes]),
    maxInflightMsgs: oneOf(random, [1, 4, 256]),
    maxCommittedBytesPerReady: oneOf(random, [100, 10_000, raft.maxCommittedBytesPerReady]),
    readsMax: oneOf(random, [2, raft.readsMax]),
    snapshotCatchupEntries: oneOf(random, [1, 10, 50, 5000]),
    maxRequestBytes: oneOf(random, [base.maxRequestBytes, base.maxRequestBytes, 40_000]),
    largeRangeBytes: oneOf(random, [300, 10_000, base.largeRangeBytes]),
    commitIntervalMs: oneOf(random, [5, 100, 1000]),
    commitRowsMax: oneOf(random, [1, 5, 10_000]),
    compactionBatchLimit: oneOf(random, [5, 30, 1000]),
    compactionSleepIntervalMs: oneOf(random, [1, 5]),
    watchProgressIntervalMs: oneOf(random, [100, 2000, 600_000]),
    maxLearners: oneOf(random, [1, 1, 2]),
    isCheckpointing: random.below(4) === 0,
    quotaBytes: oneOf(random, [base.quotaBytes, base.quotaBytes, base.quotaBytes, smallQuotaBytes]),
    autoCompactionMs: oneOf(random, [0, 0, 2000, 20_000]),
    corruptCheckMs: oneOf(random, [0, 0, 3000]),
    compactHashCheckMs: oneOf(random, [0, 0, 1000]),
    indexCheckpointRowsMin: oneOf(random, [1, 20, 50_000]),
  };
}

export function memberSettingsOf(overrides: MemberOverrides): MemberSettings {
  const base = memberSettings(defaultServerConfig());
  const { preVote, maxSizePerMsgBytes, maxInflightMsgs, maxCommittedBytesPerReady, readsMax } =
    overrides;
  return {
    ...base,
    raft: {
      ...base.raft,
      preVote,
      maxSizePerMsgBytes,
      maxInflightMsgs,
      maxCommittedBytesPerReady,
      readsMax,
    },
    snapshotCatchupEntries: overrides.snapshotCatchupEntries,
    maxRequestBytes: overrides.maxRequestBytes,
    largeRangeBytes: overrides.largeRangeBytes,
    commitIntervalMs: overrides.commitIntervalMs,
    commitRowsMax: overrides.commitRowsMax,
    compactionBatchLimit: overrides.compactionBatchLimit,
    compactionSleepIntervalMs: overrides.compactionSleepIntervalMs,
    watchProgressIntervalMs: overrides.watchProgressIntervalMs,
    maxLearners: overrides.maxLearners,
    quotaBytes: overrides.quotaBytes,
    autoCompaction:
      overrides.autoCompactionMs === 0
        ? { mode: 'off' }
        : { mode: 'periodic', periodMs: overrides.autoCompactionMs },
    corruptCheckMs: overrides.corruptCheckMs,
    compactHashCheckMs: overrides.compactHashCheckMs,
    leaseCheckpointIntervalMs: overrides.isCheckpointing ? checkpointMs : undefined,
    rowArenaBytes: simRowArenaBytes,
    indexCheckpoint: {
      rowsMin: overrides.indexCheckpointRowsMin,
      intervalMs: indexCheckpointMs,
      verifyAfterMs: indexVerifyAfterMs,
      stopLimitMs: 0,
    },
  };
}

/** Some runs fill it; what must stay fits in. */
export const smallQuotaBytes = 150_000;
/** Often enough that a run sees some; the real interval is five minutes. */
const checkpointMs = 3000;
const indexCheckpointMs = 500;
const indexVerifyAfterMs = 100;
/** Small enough that rows are let go of and read again from the disk. */
const simRowArenaBytes = 1024 * 1024;
