import { built, ignored, type OptionStatus } from './option.ts';

/** etcd 3.7's feature gates (server/features/etcd_features.go), and what happens to each here. */
export interface FeatureGate {
  readonly name: string;
  readonly stage: 'alpha' | 'beta';
  readonly isOpenByDefault: boolean;
  readonly status: OptionStatus;
}

const alpha = (name: string, status: OptionStatus): FeatureGate => ({
  name,
  stage: 'alpha',
  isOpenByDefault: false,
  status,
});
const beta = (name: string, status: OptionStatus): FeatureGate => ({
  name,
  stage: 'beta',
  isOpenByDefault: true,
  status,
});
const notBuilt = ignored('what this gate switches is not built');

export const featureGates: readonly FeatureGate[] = [
  alpha('CompactHashCheck', built),
  beta(
    'FastLeaseKeepAlive',
    ignored('a keep-alive waits only for what was committed when it came'),
  ),
  alpha('InitialCorruptCheck', built),
  alpha('LeaseCheckpoint', built),
  alpha('LeaseCheckpointPersist', ignored('what is checkpointed is always persistent')),
  alpha('PriorityRequest', notBuilt),
  alpha('SetMemberLocalAddr', notBuilt),
  alpha('StopGRPCServiceOnDefrag', ignored('a member serves while it defragments')),
  beta('TxnModeWriteWithSharedBuffer', notBuilt),
];

/** These stand for all gates of a stage that are not named themselves. */
const wholeStages = { AllAlpha: 'alpha', AllBeta: 'beta' } as const;

export const knownGates: readonly string[] = [
  ...Object.keys(wholeStages),
  ...featureGates.map(({ name }) => name),
];

export function isGateOpen(given: ReadonlyMap<string, boolean>, gate: FeatureGate): boolean {
  const stage = gate.stage === 'alpha' ? 'AllAlpha' : 'AllBeta';
  return given.get(gate.name) ?? given.get(stage) ?? gate.isOpenByDefault;
}
