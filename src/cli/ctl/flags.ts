import { parseDuration } from '../../config/duration.ts';
import { CtlError, Exit } from './exit.ts';
import type { Word } from './word.ts';

/**
 * Flags as etcdctl reads them (github.com/spf13/pflag): anywhere on the line, `--name value`,
 * `--name=value`, `-w value`.
 */

export type FlagKind = 'text' | 'boolean' | 'int64' | 'duration' | 'list';

export interface FlagSpec {
  readonly name: string;
  readonly kind: FlagKind;
  readonly default: string;
  readonly help: string;
  /** One letter. */
  readonly short?: string;
}

export interface ParsedWords {
  readonly values: FlagValues;
  /** What is no flag: the verb and its arguments. */
  readonly rest: readonly Word[];
}

/** A flag given in a way that cannot be read: etcdctl prints the usage as well, and exits with 1. */
export class UsageError extends CtlError {
  constructor(text: string) {
    super(Exit.Error, text);
  }
}

/** The last value given to each flag, or its default. */
export class FlagValues {
  private readonly given = new Map<string, string>();
  private readonly specs: ReadonlyMap<string, FlagSpec>;

  constructor(specs: readonly FlagSpec[]) {
    this.specs = new Map(specs.map((spec) => [spec.name, spec]));
  }

  /** @throws UsageError when the value does not fit. */
  set(spec: FlagSpec, value: string): void {
    const problem = describeBadValue(spec.kind, value);
    if (problem !== undefined) {
      const shown = spec.short === undefined ? `--${spec.name}` : `-${spec.short}, --${spec.name}`;
      throw new UsageError(
        `invalid argument ${JSON.stringify(value)} for "${shown}" flag: ${problem}`,
      );
    }
    // A list given twice goes on, as pflag's StringSlice does.
    const before = spec.kind === 'list' ? this.given.get(spec.name) : undefined;
    this.given.set(spec.name, before === undefined ? value : `${before},${value}`);
  }

  isGiven(name: string): boolean {
    return this.given.has(name);
  }

  text(name: string): string {
    return this.given.get(name) ?? this.specs.get(name)?.default ?? '';
  }

  boolean(name: string): boolean {
    return booleans.get(this.text(name)) === true;
  }

  /** Saturating at +-(2^53 - 1), which no revision, limit or count reaches. */
  int64(name: string): number {
    return saturate(BigInt(this.text(name)));
  }

  durationMs(name: string): number {
    return parseDuration(this.text(name)) ?? 0;
  }

  list(name: string): readonly string[] {
    return this.text(name)
      .split(',')
      .map((part) => part.trim());
  }
}

export function saturate(value: bigint): number {
  const max = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > max ? max : value < -max ? -max : value);
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
]);

function describeBadValue(kind: FlagKind, value: string): string | undefined {
  const shown = JSON.stringify(value);
  switch (kind) {
    case 'text':
    case 'list':
      return undefined;
    case 'boolean':
      return booleans.has(value)
        ? undefined
        : `strconv.ParseBool: parsing ${shown}: invalid syntax`;
    case 'int64':
      return describeBadInt64(value);
    case 'duration': {
      if (parseDuration(value) !== undefined) return undefined;
      return /\d$/.test(value)
        ? `time: missing unit in duration ${shown}`
        : `time: invalid duration ${shown}`;
    }
  }
}

/** Go's words for what strconv.ParseInt does not take, or undefined. */
export function describeBadInt64(value: string): string | undefined {
  const shown = JSON.stringify(value);
  if (!/^[+-]?\d+$/.test(value)) return `strconv.ParseInt: parsing ${shown}: invalid syntax`;
  const number = BigInt(value);
  return BigInt.asIntN(64, number) === number
    ? undefined
    : `strconv.ParseInt: parsing ${shown}: value out of range`;
}

/** @throws UsageError */
export function parseWords(words: readonly Word[], specs: readonly FlagSpec[]): ParsedWords {
  const values = new FlagValues(specs);
  const rest: Word[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as Word;
    if (word.text === '--') {
      rest.push(...words.slice(at + 1));
      break;
    }
    if (!word.text.startsWith('-') || word.text === '-') rest.push(word);
    else if (word.text.startsWith('--')) at += takeLong(word.text, words[at + 1], values, specs);
    else at += takeShort(word.text, words[at + 1], values, specs);
  }
  return { values, rest };
}

/** Returns how many words beyond this one were taken. */
function takeLong(
  text: string,
  next: Word | undefined,
  values: FlagValues,
  specs: readonly FlagSpec[],
): number {
  const equals = text.indexOf('=');
  const name = text.slice(2, equals < 0 ? undefined : equals);
  const spec = specs.find((candidate) => candidate.name === name);
  if (spec === undefined) throw new UsageError(`unknown flag: --${name}`);
  if (equals >= 0) values.set(spec, text.slice(equals + 1));
  else if (spec.kind === 'boolean') values.set(spec, 'true');
  else if (next === undefined) throw new UsageError(`flag needs an argument: --${name}`);
  else {
    values.set(spec, next.text);
    return 1;
  }
  return 0;
}

function takeShort(
  text: string,
  next: Word | undefined,
  values: FlagValues,
  specs: readonly FlagSpec[],
): number {
  for (let i = 1; i < text.length; i++) {
    const letter = text[i] as string;
    const spec = specs.find(({ short }) => short === letter);
    if (spec === undefined) {
      throw new UsageError(`unknown shorthand flag: '${letter}' in -${text.slice(i)}`);
    }
    const value = text.slice(i + 1);
    if (value.startsWith('=')) values.set(spec, value.slice(1));
    else if (spec.kind === 'boolean') {
      values.set(spec, 'true');
      continue;
    } else if (value !== '') values.set(spec, value);
    else if (next === undefined) {
      throw new UsageError(`flag needs an argument: '${letter}' in -${text.slice(i)}`);
    } else {
      values.set(spec, next.text);
      return 1;
    }
    return 0;
  }
  return 0;
}
