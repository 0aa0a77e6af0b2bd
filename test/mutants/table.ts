import { formatTable } from '../bench/table.ts';
import type { Row } from './report.ts';

/**
 * What every harness made of every mutant when it was let loose on it last: `caught.md`, which `--table` keeps up to
 * date row by row, so that a run that was cut off, or of a few mutants, leaves the others as they are.
 */

export interface TableRow {
  readonly name: string;
  /** By the name of the harness; one that was not tried is not there. */
  readonly trials: ReadonlyMap<string, TableTrial>;
  /** How the first harness that found it told so. */
  readonly told: string;
}

export interface TableTrial {
  readonly isCaught: boolean;
  readonly seconds: number;
}

export const tablePath = 'test/mutants/caught.md';

const intro = `# Which harness finds which planted bug

Written by \`npm run mutants -- --table\`, which puts what it has tried in place of what stood there. A time alone is that
after which the harness told of the mutant; \`silent\`: it found nothing in that time; \`-\`: it was not tried, for another
one had found the mutant. Times are of a machine with two cores that had much other work. A row of which nothing has
caught the mutant fails \`mutants.test.ts\`; those without a row were not tried yet.
`;

export function isCaught({ trials }: TableRow): boolean {
  return [...trials.values()].some((trial) => trial.isCaught);
}

export function formatTableFile(
  rows: readonly TableRow[],
  harnesses: readonly string[],
  names: readonly string[],
): string {
  const head = ['mutant', ...harnesses, 'how it was told'];
  const lines = rows.map(({ name, trials, told }) => [
    name,
    ...harnesses.map((harness) => formatTrial(trials.get(harness))),
    told.replaceAll('|', '/'),
  ]);
  const table = formatTable(head, lines, head.length);
  const escaped = rows.filter((row) => !isCaught(row)).map(({ name }) => name);
  const sum = `${rows.length} mutants, ${rows.length - escaped.length} caught.`;
  const rest = escaped.length === 0 ? '' : ` NOTHING finds ${escaped.join(', ')}.`;
  const known = new Set(rows.map(({ name }) => name));
  const left = names.filter((name) => !known.has(name));
  const untried = left.length === 0 ? '' : ` Not tried yet: ${left.join(', ')}.`;
  return `${intro}\n${table}\n\n${sum}${rest}${untried}\n`;
}

export function parseTableFile(text: string): readonly TableRow[] {
  const [head, , ...lines] = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  const harnesses = (head ?? []).slice(1, -1);
  return lines.map((cells) => {
    const trials = new Map<string, TableTrial>();
    harnesses.forEach((harness, i) => {
      const trial = parseTrial(cells[i + 1] ?? '');
      if (trial !== undefined) trials.set(harness, trial);
    });
    return { name: cells[0] ?? '', trials, told: cells.at(-1) ?? '' };
  });
}

/** The rows in the order of `names`, those of others left out, with what was tried now. */
export function mergeRow(
  rows: readonly TableRow[],
  { name, trials }: Row,
  names: readonly string[],
): readonly TableRow[] {
  const byName = new Map(rows.map((row) => [row.name, row]));
  const before = byName.get(name);
  const merged = new Map(before?.trials);
  for (const { harness, end, seconds } of trials) {
    if (end !== 'broken') merged.set(harness, { isCaught: end === 'caught', seconds });
  }
  const told = trials.find(({ end }) => end === 'caught')?.told ?? before?.told ?? '';
  if (merged.size > 0) byName.set(name, { name, trials: merged, told });
  return names.flatMap((each) => byName.get(each) ?? []);
}

function formatTrial(trial: TableTrial | undefined): string {
  if (trial === undefined) return '-';
  const time = `${Math.max(1, Math.round(trial.seconds))} s`;
  return trial.isCaught ? time : `silent ${time}`;
}

function parseTrial(cell: string): TableTrial | undefined {
  const found = /^(silent )?(\d+) s$/.exec(cell);
  if (found === null) return undefined;
  return { isCaught: found[1] === undefined, seconds: Number(found[2]) };
}
