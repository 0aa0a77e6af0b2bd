import { parseDuration } from './duration.ts';
import { knownGates } from './feature-gates.ts';
import type { OptionType } from './option.ts';
import { parseUrlList } from './urls.ts';

/** The text of an option, read as its type. Problems are worded as Go's flag package words them. */

export type OptionValue =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'boolean'; readonly boolean: boolean }
  /** Counts as they are, durations in milliseconds. */
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'list'; readonly list: readonly string[] }
  | { readonly kind: 'gates'; readonly gates: ReadonlyMap<string, boolean> };

export type ParsedValue =
  | { readonly ok: true; readonly value: OptionValue }
  | { readonly ok: false; readonly problem: string };

const value = (found: OptionValue): ParsedValue => ({ ok: true, value: found });
const problem = (text: string): ParsedValue => ({ ok: false, problem: text });

export function parseValue(type: OptionType, text: string): ParsedValue {
  switch (type.kind) {
    case 'text':
    case 'anything':
      return value({ kind: 'text', text });
    case 'boolean': {
      const boolean = parseBoolean(text);
      return boolean === undefined ? problem('parse error') : value({ kind: 'boolean', boolean });
    }
    case 'unsigned':
    case 'integer': {
      const number = parseInteger(text);
      if (number === undefined) return problem('parse error');
      const [min, max] = type.kind === 'unsigned' ? [0, type.max] : [-(2 ** 53), 2 ** 53];
      if (number < min) return problem('parse error');
      return number > max ? problem('value out of range') : value({ kind: 'number', number });
    }
    case 'duration': {
      const number = parseDuration(text);
      return number === undefined ? problem('parse error') : value({ kind: 'number', number });
    }
    case 'urls': {
      const parsed = parseUrlList(text);
      return parsed.ok ? value({ kind: 'list', list: parsed.urls }) : parsed;
    }
    case 'list':
      return value({ kind: 'list', list: text === '' ? [] : [...new Set(text.split(','))] });
    case 'choice':
      return type.choices.includes(text) ? value({ kind: 'text', text }) : problem('invalid value');
    case 'featureGates':
      return parseGates(text);
  }
}

/** Go's strconv.ParseBool. */
function parseBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  return undefined;
}

/** Go's strconv.ParseInt with base 0: decimal, 0x, 0o or a leading 0, 0b, and underscores between digits. */
function parseInteger(text: string): number | undefined {
  const match = /^([+-]?)(0x|0o|0b|0(?=\d))?([0-9a-f]+(?:_[0-9a-f]+)*)$/i.exec(text);
  if (match === null) return undefined;
  const prefix = match[2]?.toLowerCase() ?? '';
  const digits = (match[3] as string).replaceAll('_', '');
  if (prefix === '' && /\D/.test(digits)) return undefined;
  const number = Number(`${prefix === '0' ? '0o' : prefix}${digits}`);
  if (Number.isNaN(number)) return undefined;
  return match[1] === '-' ? -number : number;
}

function parseGates(text: string): ParsedValue {
  const gates = new Map<string, boolean>();
  for (const part of text.split(',')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim();
    if (equals < 0) return problem(`missing bool value for ${name}`);
    const shown = part.slice(equals + 1).trim();
    const open = parseBoolean(shown);
    if (open === undefined) return problem(`invalid value of ${name}=${shown}`);
    if (!knownGates.includes(name)) return problem(`unrecognized feature gate: ${name}`);
    gates.set(name, open);
  }
  return value({ kind: 'gates', gates });
}
