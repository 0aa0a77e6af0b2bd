import type { Random } from '../../../src/base/random.ts';
import { freeBytesMin } from '../../../src/storage/types.ts';
import { draw } from '../images/image.ts';

/** What goes wrong with a disk for a while, drawn: rules for the shim (shim/faults.c has their grammar). */

export interface FaultPlan {
  readonly rules: readonly FaultRule[];
  /** In force when the member starts, not only while it is written to. */
  readonly isForStart: boolean;
  /** In a word, for the report. */
  readonly kind: string;
}

export interface FaultRule {
  readonly text: string;
  /** An error of a call, after which the member may have to end. Others only make the disk slow, or writes short. */
  readonly isError: boolean;
  /** Who meets this must not go on: what was to be written is what has been or will be acknowledged. */
  readonly mustEnd: boolean;
  /** So little room is left that writes are refused, and the member can go on. */
  readonly isFull: boolean;
}

/** Files of acknowledged data: of a write or a sync that failed nobody knows what it has left. */
const promises = ['log-*.log', 'store-*.log', 'witness-*'] as const;
const tables = ['log-*.ldb', 'store-*.ldb', '*MANIFEST*', '*.dbtmp'] as const;
const copies = ['*index-checkpoint*', '*.json.tmp', '*creating*'] as const;
const anything = ['log-*', 'store-*', '*'] as const;

/** By operation: on what, the likelier ones more than once. */
const places = {
  syncfile: [...promises, ...promises, ...tables, ...copies, ...anything],
  write: [...promises, ...promises, ...tables, ...copies, ...anything],
  open: [...promises, ...tables, ...copies, ...anything],
  rename: ['*CURRENT', '*index-checkpoint', '*.json', '*'],
  syncfolder: ['log-*', 'store-*', '*'],
} as const;
type Op = keyof typeof places;
const ops: readonly Op[] = [
  'syncfile',
  'syncfile',
  'write',
  'write',
  'open',
  'rename',
  'syncfolder',
];

const delayMsMax = 400;
const roomLowBytes = freeBytesMin / 2;

export function drawPlan(random: Random): FaultPlan {
  const isForStart = random.below(4) === 0;
  const luck = random.below(10);
  if (luck === 0) return { rules: [full()], isForStart: false, kind: 'little room' };
  if (luck === 1) {
    const rules = [slow(random), slow(random), short(random)];
    return { rules, isForStart, kind: 'slow, short writes' };
  }
  const error = random.below(2) === 0 ? 'EIO' : 'ENOSPC';
  const first = failing(random, error);
  const others = [(): FaultRule => slow(random), (): FaultRule => short(random)] as const;
  const rules = luck < 5 ? [first] : [draw(others, random)(), first];
  return { rules, isForStart, kind: `${error} of ${first.text.split(' ')[0] ?? ''}` };
}

function failing(random: Random, error: 'EIO' | 'ENOSPC'): FaultRule {
  const op = draw(ops, random);
  const place = draw<string>(places[op], random);
  // A call is refused for want of descriptors where another would find a full disk.
  const what = op === 'open' && error === 'ENOSPC' && random.below(2) === 0 ? 'EMFILE' : error;
  return {
    ...nothing,
    text: `${op} ${place} ${what}${span(random)}`,
    isError: true,
    mustEnd: (op === 'syncfile' || op === 'write') && promises.some((own) => own === place),
  };
}

const nothing = { isError: false, mustEnd: false, isFull: false } as const;

function slow(random: Random): FaultRule {
  const op = draw(['sync', 'write', 'rename', 'open'], random);
  const text = `${op} ${draw(anything, random)} delay ${1 + random.below(delayMsMax)}${span(random)}`;
  return { ...nothing, text };
}

function short(random: Random): FaultRule {
  return { ...nothing, text: `write ${draw(anything, random)} short${span(random)}` };
}

function full(): FaultRule {
  return { ...nothing, text: `space * free ${roomLowBytes}`, isFull: true };
}

/** How many calls go well first, and how many then do not. */
function span(random: Random): string {
  const after = random.below(2) === 0 ? 0 : random.below(12);
  const times = draw(['', ' times 1', ` times ${2 + random.below(6)}`], random);
  return ` after ${after}${times}`;
}
