import {
  assign,
  resolveFlag,
  type Assignment,
  type Assignments,
  type ConfigProblem,
} from './assignment.ts';
import { standsAlone } from './option.ts';
import { knownFlags } from './options.ts';
import { nearestWord } from './suggest.ts';
import { parseValue } from './values.ts';

export type ParsedFlags = Assignments | { readonly ok: 'help' };

type Step =
  | { readonly kind: 'assignment'; readonly assignment: Assignment; readonly taken: 1 | 2 }
  | { readonly kind: 'help' }
  | { readonly kind: 'problem'; readonly problem: ConfigProblem };

/**
 * Reads a command line as Go's flag package does: `--flag=value`, `--flag value`, one dash or two, `--` ends the
 * flags. A boolean takes its value only behind `=`. Unknown flags and bad values end with exit code 2.
 */
export function parseFlags(args: readonly string[]): ParsedFlags {
  const assignments: Assignment[] = [];
  let at = 0;
  while (at < args.length) {
    const arg = args[at] as string;
    if (arg === '--') {
      at++;
      break;
    }
    if (!arg.startsWith('-') || arg === '-') break;
    const step = parseOne(arg, args[at + 1]);
    if (step.kind === 'help') return { ok: 'help' };
    if (step.kind === 'problem') return { ok: false, problem: step.problem };
    assignments.push(step.assignment);
    at += step.taken;
  }
  const left = args[at];
  if (left === undefined) return { ok: true, assignments, warnings: [], refusals: [] };
  return { ok: false, problem: describeLeftOver(left, assignments.at(-1)) };
}

function parseOne(arg: string, next: string | undefined): Step {
  const [, name = '', inline] = /^--?([^=]*)(?:=([^]*))?$/.exec(arg) ?? [];
  if (name === '' || name.startsWith('-')) return problem(`bad flag syntax: ${arg}`);
  const target = resolveFlag(name);
  if (target === undefined) {
    return name === 'help' || name === 'h' ? { kind: 'help' } : unknownFlag(name);
  }
  const alone = target.gate !== undefined || standsAlone(target.option);
  if (inline === undefined && !alone && next === undefined) {
    return problem(`flag needs an argument: -${name}`);
  }
  const given = inline ?? (alone ? 'true' : (next as string));
  const assignment = assign(target, given, `--${name}`);
  const parsed = parseValue(target.option.type, assignment.text);
  if (!parsed.ok) {
    const isBoolean = target.gate !== undefined || target.option.type.kind === 'boolean';
    return problem(
      isBoolean
        ? `invalid boolean value ${JSON.stringify(given)} for -${name}: parse error`
        : `invalid value ${JSON.stringify(given)} for flag -${name}: ${parsed.problem}`,
    );
  }
  return { kind: 'assignment', assignment, taken: inline === undefined && !alone ? 2 : 1 };
}

function problem(text: string, hint?: string): Step {
  return {
    kind: 'problem',
    problem: hint === undefined ? { exitCode: 2, text } : { exitCode: 2, text, hint },
  };
}

function unknownFlag(name: string): Step {
  const near = nearestWord(name, knownFlags);
  const hint = near === undefined ? 'see --help for all flags' : `did you mean --${near}?`;
  return problem(`flag provided but not defined: -${name}`, hint);
}

function describeLeftOver(left: string, last: Assignment | undefined): ConfigProblem {
  const text = `${JSON.stringify(left)} is not a valid flag`;
  if (last === undefined || !standsAlone(last.option)) return { exitCode: 1, text };
  return { exitCode: 1, text, hint: `a boolean takes its value as ${last.origin}=${left}` };
}
