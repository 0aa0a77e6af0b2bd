import { formatTable } from '../bench/table.ts';
import type { Night, Part, SliceResult } from './types.ts';

/** What a night has run and found, in Markdown. */

const head = ['part', 'hours', 'slices', 'seeds from', 'to', 'found'] as const;

/** `parts` are those that should have run. */
export function describeNight(
  { hours, elapsedSeconds, results, silent = [] }: Night,
  parts: readonly Pick<Part, 'name'>[],
): string {
  const failed = results.filter(({ isPassed }) => !isPassed);
  const names = [...new Set(results.map(({ part }) => part))];
  const lines = [
    `# ${formatHours(elapsedSeconds)} of ${hours} hours`,
    '',
    formatTable(
      head,
      names.map((name) => cellsOf(results.filter(({ part }) => part === name))),
    ),
  ];
  const missing = parts.filter(({ name }) => !names.includes(name)).map(({ name }) => name);
  if (missing.length > 0) lines.push('', `Without a turn: ${missing.join(', ')}`);
  if (silent.length > 0) lines.push('', `Never reached by the simulator: ${silent.join('; ')}`);
  if (failed.length > 0) lines.push('', '## Found');
  for (const { part, what, told, command } of failed) {
    lines.push('', `- ${part}, ${what}: ${told}`, '', `      ${command}`);
  }
  return `${lines.join('\n')}\n`;
}

export function countLine({ results }: Night): string {
  const failed = results.filter(({ isPassed }) => !isPassed).length;
  return `${results.length - failed} passed, ${failed} failed`;
}

function cellsOf(results: readonly SliceResult[]): readonly string[] {
  const seeds = results.map(({ seed }) => seed);
  const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
  const failed = results.filter(({ isPassed }) => !isPassed).length;
  return [
    results[0]?.part ?? '',
    formatHours(seconds),
    String(results.length),
    String(Math.min(...seeds)),
    String(Math.max(...seeds)),
    failed === 0 ? '-' : String(failed),
  ];
}

function formatHours(seconds: number): string {
  return (seconds / 3600).toFixed(2);
}

/** As a shell takes it. */
export function commandLine(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`);
  return [...settings, ...argv.map(quoted)].join(' ');
}

function quoted(word: string): string {
  return /^[\w./:=,@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
