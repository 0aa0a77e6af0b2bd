/**
 * One row of the option table: everything there is to say about a flag, its variable and its
 * config-file key.
 */

export type OptionGroup =
  | 'Member'
  | 'Clustering'
  | 'Security'
  | 'Auth'
  | 'Profiling and monitoring'
  | 'Logging'
  | 'Distributed tracing'
  | 'Features'
  | 'Unsafe features'
  | 'Other'
  | 'No longer used';

/** What values an option takes, with its default as it would be written on the command line. */
export type OptionType =
  | { readonly kind: 'text'; readonly default: string }
  | { readonly kind: 'boolean'; readonly default: string }
  | { readonly kind: 'unsigned'; readonly default: string; readonly max: number }
  | { readonly kind: 'integer'; readonly default: string }
  | { readonly kind: 'duration'; readonly default: string }
  | { readonly kind: 'urls'; readonly default: string }
  | { readonly kind: 'list'; readonly default: string }
  | { readonly kind: 'choice'; readonly default: string; readonly choices: readonly string[] }
  | { readonly kind: 'featureGates'; readonly default: string }
  /** Given with or without a value, and without meaning. */
  | { readonly kind: 'anything'; readonly default: string };

/**
 * What happens to a value that differs from the default. `ignored` options are accepted with a warning: going on
 * without them can harm neither secrecy nor membership. `refused` ones could, so the server does not start.
 */
export type OptionStatus =
  | { readonly kind: 'built' }
  | { readonly kind: 'ignored'; readonly why: string }
  | { readonly kind: 'refused'; readonly remedy: string };

export interface Option {
  readonly flag: string;
  readonly group: OptionGroup;
  readonly type: OptionType;
  readonly help: string;
  readonly status: OptionStatus;
  /** Key in the config file; a dot descends into a section. */
  readonly fileKey: string;
}

export const text = (value: string): OptionType => ({ kind: 'text', default: value });
export const boolean = (value: boolean): OptionType => ({
  kind: 'boolean',
  default: String(value),
});
export const unsigned = (value: number, max = Number.MAX_SAFE_INTEGER): OptionType => ({
  kind: 'unsigned',
  default: String(value),
  max,
});
export const integer = (value: number): OptionType => ({ kind: 'integer', default: String(value) });
export const duration = (value: string): OptionType => ({ kind: 'duration', default: value });
export const urls = (value: string): OptionType => ({ kind: 'urls', default: value });
export const list = (value: string): OptionType => ({ kind: 'list', default: value });
export const choice = (first: string, ...others: readonly string[]): OptionType => ({
  kind: 'choice',
  default: first,
  choices: [first, ...others],
});

export const built: OptionStatus = { kind: 'built' };
export const ignored = (why: string): OptionStatus => ({ kind: 'ignored', why });
export const refused = (remedy: string): OptionStatus => ({ kind: 'refused', remedy });

/** A maker of rows for one group. */
export const rowsOf =
  (group: OptionGroup) =>
  (flag: string, type: OptionType, help: string, status: OptionStatus): Option => ({
    flag,
    group,
    type,
    help,
    status,
    fileKey: flag,
  });

/** The same row under another key in the config file. */
export const inFile = (fileKey: string, option: Option): Option => ({ ...option, fileKey });

/** `--max-txn-ops` is `ETCD_MAX_TXN_OPS` in the environment (etcd pkg/flags/flag.go, FlagToEnv). */
export function environmentVariableOf(flag: string): string {
  return `ETCD_${flag.replaceAll('-', '_').toUpperCase()}`;
}

/**
 * Options of these types stand alone: `--pre-vote` is true, and `--pre-vote false` leaves an
 * argument over.
 */
export function standsAlone(option: Option): boolean {
  return option.type.kind === 'boolean' || option.type.kind === 'anything';
}
