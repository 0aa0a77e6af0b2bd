import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Target } from './db/types.ts';

export type Mode = 'test' | 'check' | 'list' | 'matrix';

export interface JepsenOptions {
  readonly mode: Mode;
  /** Undefined in a matrix: all. */
  readonly workload: string | undefined;
  readonly nemesis: string | undefined;
  /** Of one test, or of the whole matrix. */
  readonly seconds: number;
  /** Of one cell of the matrix. */
  readonly cellSeconds: number;
  readonly seed: number;
  readonly target: Target;
  readonly members: number;
  readonly out: string;
  /** The folder of a run that is judged again. */
  readonly check: string | undefined;
  readonly portBase: number | undefined;
  readonly keepsData: boolean;
}

export const usage = `usage: npm run jepsen -- --workload W --nemesis N [options]
       npm run jepsen -- --check FOLDER
       npm run jepsen -- --matrix --time S [options]
       npm run jepsen -- --list
  --workload W      what clients do (--list shows which there are)
  --nemesis N       what goes wrong meanwhile (none)
  --time S          seconds of one test (60), or of the whole matrix (3600)
  --seed N          of everything that is drawn (a fresh one)
  --target T        quorate, or a real etcd 3.7 as the control: etcd (quorate)
  --members N       (3)
  --out FOLDER      where report folders go (jepsen-results)
  --keep-data       data dirs stay in the report although nothing was found
  --ports N         the first port to take (by the process id)
  --check FOLDER    judges a stored history again
  --matrix          cell after cell of workload and nemesis until the time is over; --workload or --nemesis
                    keep to one row or column
  --cell-time S     seconds of one cell of the matrix (20)
exit code 0: passed; 1: failed, or not everything could be judged; 2: the harness or its arguments failed`;

const modes = ['check', 'list', 'matrix'] as const;
const testSeconds = '60';
const matrixSeconds = '3600';

/** @throws with a line for the user. */
export function parseOptions(argv: readonly string[]): JepsenOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      workload: { type: 'string' },
      nemesis: { type: 'string' },
      time: { type: 'string' },
      seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
      target: { type: 'string', default: 'quorate' },
      members: { type: 'string', default: '3' },
      out: { type: 'string', default: 'jepsen-results' },
      'keep-data': { type: 'boolean', default: false },
      ports: { type: 'string' },
      check: { type: 'string' },
      list: { type: 'boolean', default: false },
      matrix: { type: 'boolean', default: false },
      'cell-time': { type: 'string', default: '20' },
    },
  });
  const chosen = modes.filter((mode) => values[mode] !== undefined && values[mode] !== false);
  if (chosen.length > 1) throw new Error(`--${chosen.join(' and --')} are different runs`);
  const mode = chosen[0] ?? 'test';
  if (mode === 'test' && values.workload === undefined) throw new Error('--workload is missing');
  const { ports, target } = values;
  if (target !== 'quorate' && target !== 'etcd') {
    throw new Error(`--target: quorate or etcd is expected, not ${target}`);
  }
  return {
    mode,
    target,
    workload: values.workload,
    nemesis: values.nemesis ?? (mode === 'matrix' ? undefined : 'none'),
    seconds: wholeNumber('time', values.time ?? (mode === 'matrix' ? matrixSeconds : testSeconds)),
    cellSeconds: wholeNumber('cell-time', values['cell-time']),
    seed: wholeNumber('seed', values.seed),
    members: wholeNumber('members', values.members),
    out: values.out,
    check: values.check,
    portBase: ports === undefined ? undefined : wholeNumber('ports', ports),
    keepsData: values['keep-data'],
  };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new Error(`--${name}: a whole number from 1 is expected, not ${text}`);
  }
  return value;
}

/** @throws naming those that there are. */
export function named<T extends { readonly name: string }>(
  kind: string,
  list: readonly T[],
  name: string | undefined,
): T {
  const found = list.find((each) => each.name === name);
  if (found !== undefined) return found;
  const known = list.map((each) => each.name).join(', ');
  throw new Error(`no ${kind} named ${name ?? ''}; there are: ${known}`);
}
