import {
  assign,
  resolveFlag,
  type Assignment,
  type Assignments,
  type ConfigWarning,
} from './assignment.ts';
import { environmentVariableOf } from './option.ts';
import { knownFlags } from './options.ts';
import { nearestWord } from './suggest.ts';
import { parseValue } from './values.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const flagOfVariable = new Map(knownFlags.map((flag) => [environmentVariableOf(flag), flag]));

/** Read by etcd outside its flags, or meaningless as a variable. */
const notOptions: ReadonlySet<string> = new Set(['ETCD_UNSUPPORTED_ARCH']);

/**
 * Reads `ETCD_*` variables. Empty ones count as unset; unknown ones are worth a warning, because other programs may
 * own them. A variable whose flag is given too loses, with a warning (etcd refuses to start there).
 */
export function readEnvironment(
  environment: Environment,
  flagsGiven: readonly Assignment[],
): Assignments {
  const assignments: Assignment[] = [];
  const warnings: ConfigWarning[] = [];
  const given = new Set(flagsGiven.map(({ option }) => option.flag));
  for (const variable of Object.keys(environment).sort()) {
    const text = environment[variable];
    if (!variable.startsWith('ETCD_') || text === undefined || text === '') continue;
    const flag = flagOfVariable.get(variable);
    const target = flag === undefined ? undefined : resolveFlag(flag);
    if (target === undefined) {
      if (!notOptions.has(variable)) warnings.push(unknownVariable(variable));
    } else if (target.option.flag === 'version') {
      warnings.push({ msg: 'cannot set special environment variable', fields: { key: variable } });
    } else if (given.has(target.option.flag)) {
      warnings.push({
        msg: 'environment variable is shadowed by its command-line flag',
        fields: { 'environment-variable': variable, flag: `--${target.option.flag}` },
      });
    } else {
      const assignment = assign(target, text, variable);
      const parsed = parseValue(target.option.type, assignment.text);
      if (!parsed.ok) {
        const problem = `invalid value ${JSON.stringify(text)} for ${variable}: ${parsed.problem}`;
        return { ok: false, problem: { exitCode: 1, text: problem } };
      }
      assignments.push(assignment);
    }
  }
  return { ok: true, assignments, warnings, refusals: [] };
}

function unknownVariable(variable: string): ConfigWarning {
  const near = nearestWord(variable, [...flagOfVariable.keys()]);
  const fields: Record<string, string> = { 'environment-variable': variable };
  if (near !== undefined) fields['nearest'] = near;
  return { msg: 'unrecognized environment variable', fields };
}
