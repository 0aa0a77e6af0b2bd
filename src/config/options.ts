import type { Option } from './option.ts';
import { clusteringOptions } from './options-clustering.ts';
import { featureOptions, goneOptions, otherOptions, unsafeOptions } from './options-features.ts';
import { memberOptions } from './options-member.ts';
import { loggingOptions, monitoringOptions, tracingOptions } from './options-observability.ts';
import {
  goneExperimentalOptions,
  oldSpellings,
  type OldSpelling,
} from './options-old-spellings.ts';
import { authOptions, securityOptions } from './options-security.ts';

/** The option table: every flag of etcd 3.7 and our own, in the order of etcd's help. */
export const options: readonly Option[] = [
  ...memberOptions,
  ...clusteringOptions,
  ...securityOptions,
  ...authOptions,
  ...monitoringOptions,
  ...loggingOptions,
  ...tracingOptions,
  ...featureOptions,
  ...unsafeOptions,
  ...otherOptions,
  ...goneOptions,
  ...goneExperimentalOptions,
];

const byFlag = new Map(options.map((option) => [option.flag, option]));
const byFileKey = new Map(options.map((option) => [option.fileKey, option]));
const byOldFlag = new Map(oldSpellings.map((old) => [old.flag, old]));

export function findOption(flag: string): Option | undefined {
  return byFlag.get(flag);
}

export function findOptionByFileKey(key: string): Option | undefined {
  return byFileKey.get(key) ?? byFlag.get(key);
}

export function findOldSpelling(flag: string): OldSpelling | undefined {
  return byOldFlag.get(flag);
}

/** Everything that may be written after `--`. */
export const knownFlags: readonly string[] = [...byFlag.keys(), ...byOldFlag.keys()];
