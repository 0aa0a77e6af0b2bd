import type { Option } from './option.ts';
import { findOldSpelling, findOption } from './options.ts';

/** A value that someone gave to an option, and where: the last one given to an option wins. */
export interface Assignment {
  readonly option: Option;
  readonly text: string;
  /** As the one who gave it would know it: `--name`, `ETCD_NAME`, or a key of the config file. */
  readonly origin: string;
}

/** What is wrong with a command line, an environment or a config file, and the exit code etcd gives it. */
export interface ConfigProblem {
  readonly exitCode: 1 | 2;
  readonly text: string;
  /** What to do instead, when there is something to say. */
  readonly hint?: string;
}

export type Assignments =
  | {
      readonly ok: true;
      readonly assignments: readonly Assignment[];
      readonly warnings: readonly ConfigWarning[];
      /** What must not be passed over and has no row in the option table. */
      readonly refusals: readonly ConfigProblem[];
    }
  | { readonly ok: false; readonly problem: ConfigProblem };

export interface ConfigWarning {
  readonly msg: string;
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * What a name means today: its own row, or that of the flag which an experimental one became. A boolean that became
 * a feature gate turns into a value of `feature-gates`.
 */
export function resolveFlag(
  flag: string,
): { readonly option: Option; readonly gate: string | undefined } | undefined {
  const old = findOldSpelling(flag);
  if (old === undefined) {
    const option = findOption(flag);
    return option === undefined ? undefined : { option, gate: undefined };
  }
  const isGate = 'becameGate' in old;
  const option = findOption(isGate ? 'feature-gates' : old.becameFlag);
  return option === undefined ? undefined : { option, gate: isGate ? old.becameGate : undefined };
}

/** The assignment of `text` to what `resolveFlag` found. */
export function assign(
  target: { readonly option: Option; readonly gate: string | undefined },
  text: string,
  origin: string,
): Assignment {
  const { option, gate } = target;
  return { option, text: gate === undefined ? text : `${gate}=${text}`, origin };
}
