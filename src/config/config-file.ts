import { parse } from 'yaml';
import {
  assign,
  resolveFlag,
  type Assignment,
  type Assignments,
  type ConfigProblem,
} from './assignment.ts';
import { formatDuration } from './duration.ts';
import { findOptionByFileKey, knownFlags, options } from './options.ts';
import type { Option } from './option.ts';
import { nearestWord } from './suggest.ts';
import { parseValue } from './values.ts';

/**
 * Sections of the file; the keys inside are those of the option table, or guard something and are
 * refused.
 */
const sections: ReadonlyMap<string, string> = new Map([
  ['client-transport-security', 'TLS is not built: leave this section out'],
  ['peer-transport-security', 'TLS is not built: leave this section out'],
  ['socket-options', 'there is no such socket option'],
  ['discovery-config', 'discovery is not built: name every member in initial-cluster'],
]);

/** Keys of older sample files that mean nothing any more. */
const goneKeys: ReadonlySet<string> = new Set([
  'proxy-failure-wait',
  'proxy-refresh-interval',
  'proxy-dial-timeout',
  'proxy-write-timeout',
  'proxy-read-timeout',
  'grpc-additional-server-options',
]);

type Collected =
  | {
      readonly ok: true;
      readonly assignments: readonly Assignment[];
      readonly refused: readonly Refused[];
    }
  | { readonly ok: false; readonly text: string; readonly hint?: string };

/** A key of a section that guards something and that the option table does not have. */
interface Refused {
  readonly text: string;
  readonly hint: string;
}

/**
 * Reads a config file, YAML or JSON, with the keys of etcd's (server/embed/config.go). Durations are integers of
 * nanoseconds, as in etcd, or texts such as "10m". Unknown keys are errors: what is left out in silence is missed late.
 */
export function readConfigFile(path: string, content: string): Assignments {
  const fail = (text: string, hint?: string): Assignments => ({
    ok: false,
    problem:
      hint === undefined
        ? { exitCode: 1, text: `${path}: ${text}` }
        : { exitCode: 1, text: `${path}: ${text}`, hint },
  });
  let root: unknown;
  try {
    root = parse(content);
  } catch (error) {
    return fail(error instanceof Error ? (error.message.split('\n')[0] as string) : String(error));
  }
  if (root === null || root === undefined) {
    return { ok: true, assignments: [], warnings: [], refusals: [] };
  }
  if (!isMapping(root)) return fail('is not a mapping of options');
  const assignments: Assignment[] = [];
  const refusals: ConfigProblem[] = [];
  for (const [key, value] of Object.entries(root)) {
    const collected = sections.has(key) ? collectSection(key, value) : collectOne(key, value);
    if (!collected.ok) return fail(collected.text, collected.hint);
    assignments.push(...collected.assignments);
    for (const { text, hint } of collected.refused) {
      refusals.push({ exitCode: 1, text: `${path}: ${text}`, hint });
    }
  }
  return { ok: true, assignments, warnings: [], refusals };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const collectedOf = (...assignments: readonly Assignment[]): Collected => ({
  ok: true,
  assignments,
  refused: [],
});
const nothing = collectedOf();

function collectSection(section: string, value: unknown): Collected {
  if (isEmpty(value)) return nothing;
  if (!isMapping(value)) return { ok: false, text: `invalid ${section}` };
  const assignments: Assignment[] = [];
  const refused: Refused[] = [];
  for (const [key, inner] of Object.entries(value)) {
    const path = `${section}.${key}`;
    const option = findOptionByFileKey(path);
    if (option === undefined) {
      if (!isEmpty(inner)) {
        refused.push({ text: `${path} is refused`, hint: sections.get(section) as string });
      }
      continue;
    }
    const collected = collectValue(option, path, inner);
    if (!collected.ok) return collected;
    assignments.push(...collected.assignments);
  }
  return { ok: true, assignments, refused };
}

/** What a sample file leaves blank: nothing, "", false, [] and {}. */
function isEmpty(value: unknown): boolean {
  if (isMapping(value)) return Object.values(value).every(isEmpty);
  if (Array.isArray(value)) return value.length === 0;
  return value === null || value === undefined || value === '' || value === false;
}

function collectOne(key: string, value: unknown): Collected {
  const target = findOptionByFileKey(key) ?? resolveFlag(key);
  if (target !== undefined && 'flag' in target) return collectValue(target, key, value);
  if (target !== undefined) {
    const text = plainText(value);
    if (text === undefined) return { ok: false, text: `${key} takes a single value` };
    return checked(assign(target, text, key));
  }
  if (goneKeys.has(key)) return nothing;
  const near = nearestWord(key, [
    ...knownFlags,
    ...sections.keys(),
    ...options.map((o) => o.fileKey),
  ]);
  const hint = near === undefined ? 'see --help for all options' : `did you mean ${near}?`;
  return { ok: false, text: `unknown option ${JSON.stringify(key)}`, hint };
}

function collectValue(option: Option, key: string, value: unknown): Collected {
  if (value === null || value === undefined) return nothing;
  const text = fileText(option, value);
  if (text === undefined) return { ok: false, text: `${key} takes a single value` };
  // An empty text leaves the default, as etcd's file reader does for URLs and its sample file for the rest.
  return text === '' ? nothing : checked({ option, text, origin: key });
}

function checked(assignment: Assignment): Collected {
  const parsed = parseValue(assignment.option.type, assignment.text);
  if (parsed.ok) return collectedOf(assignment);
  const shown = JSON.stringify(assignment.text);
  return { ok: false, text: `invalid value ${shown} for ${assignment.origin}: ${parsed.problem}` };
}

function fileText(option: Option, value: unknown): string | undefined {
  const { kind } = option.type;
  if (kind === 'duration' && typeof value === 'number') return formatDuration(value / 1e6);
  if (Array.isArray(value) && (kind === 'list' || kind === 'urls')) {
    const parts = value.map(plainText);
    return parts.includes(undefined) ? undefined : parts.join(',');
  }
  return plainText(value);
}

function plainText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
