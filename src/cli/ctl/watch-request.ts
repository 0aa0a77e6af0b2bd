import { WatchCreateRequest } from '../../wire/watch.ts';
import { badArgs } from './exit.ts';
import { parseWords, UsageError, type FlagSpec, type FlagValues } from './flags.ts';
import { parseRange } from './get.ts';
import type { Environment } from './global-flags.ts';
import { quoteText } from './go-text.ts';
import { wordOf, type Word } from './word.ts';

/** What a line of `watch` asks for (ctlv3/command/watch_command.go). */

export const watchFlags: readonly FlagSpec[] = [
  {
    name: 'interactive',
    short: 'i',
    kind: 'boolean',
    default: 'false',
    help: 'read watches from stdin, one a line; the line "progress" asks how far they are',
  },
  {
    name: 'prefix',
    kind: 'boolean',
    default: 'false',
    help: 'all keys that start with the key',
  },
  { name: 'rev', kind: 'int64', default: '0', help: 'from this revision on; 0 is from now on' },
  { name: 'prev-kv', kind: 'boolean', default: 'false', help: 'show what the key held before' },
  {
    name: 'progress-notify',
    kind: 'boolean',
    default: 'false',
    help: 'show now and then up to which revision all has been seen',
  },
];

/** What is watched, and the program to run for each event. */
export interface WatchLine {
  readonly values: FlagValues;
  readonly keys: readonly Word[];
  readonly program: readonly Word[];
}

/** The keys that the environment names. @throws CtlError */
export function readWatchKeys(environment: Environment): readonly Word[] {
  const key = environment['ETCDCTL_WATCH_KEY'] ?? '';
  const rangeEnd = environment['ETCDCTL_WATCH_RANGE_END'] ?? '';
  if (key === '' && rangeEnd !== '') {
    const shown = quoteText(rangeEnd);
    throw badArgs(`ETCDCTL_WATCH_KEY is empty but got ETCDCTL_WATCH_RANGE_END=${shown}`);
  }
  return [key, rangeEnd].filter((text) => text !== '').map(wordOf);
}

/** @throws CtlError */
export function parseWatchLine(words: readonly Word[], defaultKeys: readonly Word[]): WatchLine {
  const separator = words.findIndex(({ text }) => text === '--');
  if (separator >= 0 && separator === words.length - 1) {
    throw badArgs('bad number of arguments (found separator --, but no commands)');
  }
  const program = separator < 0 ? [] : words.slice(separator + 1);
  const { values, rest } = parseFlags(separator < 0 ? words : words.slice(0, separator));
  if (rest.length > 0 && defaultKeys.length > 0) {
    throw badArgs('bad number of arguments (found conflicting environment key)');
  }
  return { values, keys: [...defaultKeys, ...rest], program };
}

function parseFlags(words: readonly Word[]): ReturnType<typeof parseWords> {
  try {
    return parseWords(words, watchFlags);
  } catch (error) {
    if (error instanceof UsageError) throw badArgs(error.message);
    throw error;
  }
}

/** @throws CtlError */
export function watchRequest({ values, keys }: WatchLine): WatchCreateRequest {
  const [key, second, surplus] = keys;
  if (key === undefined) throw badArgs('bad number of arguments');
  // As etcdctl, which takes a range end only where nothing follows it.
  const end = surplus === undefined ? second : undefined;
  if (end !== undefined && values.boolean('prefix')) {
    throw badArgs('`range_end` and `--prefix` are mutually exclusive');
  }
  return WatchCreateRequest.create({
    ...parseRange(values, key.bytes, end?.bytes),
    startRevision: values.int64('rev'),
    prevKv: values.boolean('prev-kv'),
    progressNotify: values.boolean('progress-notify'),
  });
}
