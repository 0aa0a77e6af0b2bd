import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../members/programs.ts';
import type { BenchOptions } from './options.ts';
import type { RowResult } from './results.ts';
import { resultTable } from './table.ts';
import { formatFigure } from './units.ts';

/** Where and with what a run was measured: figures mean nothing without. */
export interface Circumstances {
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly machine: string;
  readonly settings: string;
  readonly caveats: readonly string[];
}

export function circumstancesOf(options: BenchOptions): Circumstances {
  const { seconds, warmupSeconds, rounds, keys, members } = options;
  const processors = cpus();
  const memory = formatFigure(totalmem(), 'bytes');
  return {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    machine: `${processors.length} x ${processors[0]?.model ?? 'unknown'}, ${memory}, Linux ${release()}`,
    settings:
      `${seconds} s a cell after ${warmupSeconds} s of warm-up, ${rounds} round(s), ` +
      `${keys.toLocaleString('en-US')} keys of 256 bytes, ${members} members where not said otherwise`,
    caveats: caveatsOf(options),
  };
}

function caveatsOf({ seconds, keys, quorateFlags }: BenchOptions): readonly string[] {
  return [
    ...(quorateFlags.length > 0 ? [`quorate with ${quorateFlags.join(' ')}`] : []),
    ...(keys < 1_000_000
      ? ['Fewer keys than the goals are set for: scans, counts, memory and restart show less.']
      : []),
    ...(seconds < 30
      ? ['Short cells, in which no compaction of LevelDB or truncation of a log need happen.']
      : []),
  ];
}

function commit(): string {
  try {
    const git = (args: readonly string[]): string =>
      execFileSync('git', args, { cwd: repositoryRoot, encoding: 'utf8' }).trim();
    const changed = git(['status', '--porcelain', '--untracked-files=no']) !== '';
    return `${git(['rev-parse', '--short', 'HEAD'])}${changed ? ' and changes' : ''}`;
  } catch {
    return 'unknown';
  }
}

export function markdownOf(
  title: string,
  circumstances: Circumstances,
  body: readonly string[],
): string {
  const { date, commit, node, machine, settings, caveats } = circumstances;
  return [
    `# ${title}`,
    '',
    `${date}, commit ${commit}, Node ${node}`,
    '',
    `- ${machine}`,
    `- ${settings}`,
    ...caveats.map((caveat) => `- ${caveat}`),
    '',
    ...body,
    '',
  ].join('\n');
}

export function resultBody(results: readonly RowResult[]): readonly string[] {
  const notes = [...new Set(results.flatMap(notesOf))];
  return [resultTable(results), ...(notes.length === 0 ? [] : ['', ...notes])];
}

const notesOf = ({ row, notes }: RowResult): readonly string[] =>
  notes.map((note) => `- ${row.experiment}, ${note}`);

/** Writes NAME.md and NAME.json into the folder; answers the path of the first. */
export function saveReport(folder: string, name: string, markdown: string, data: object): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.md`);
  writeFileSync(path, markdown);
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(data, undefined, 2)}\n`);
  return path;
}

/** `2026-01-31-1504`, in UTC. */
export const fileNameOf = ({ date }: Circumstances): string =>
  date.slice(0, 16).replace('T', '-').replace(':', '');
