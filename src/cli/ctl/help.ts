import type { FlagSpec } from './flags.ts';
import { globalFlags } from './global-flags.ts';
import type { Verb } from './verb.ts';

/** The verbs of a group such as `endpoint`, or with an empty name all of them. */
export function formatVerbList(program: string, group: string, verbs: readonly Verb[]): string {
  const width = Math.max(...verbs.map(({ name }) => name.length)) + 2;
  const about = group === '' ? ['Reads and changes what a cluster holds.', ''] : [];
  const called = group === '' ? program : `${program} ${group}`;
  return [
    ...about,
    'Usage:',
    `  ${called} [command] [options]`,
    '',
    'Commands:',
    ...verbs.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    '',
    `Use "${program} <command> --help" for one command, "${program} options" for what all of them take.`,
    '',
  ].join('\n');
}

export function formatVerbHelp(program: string, verb: Verb): string {
  return `${verb.summary}\n\n${formatVerbUsage(program, verb)}`;
}

export function formatVerbUsage(program: string, verb: Verb): string {
  const lines = ['Usage:', `  ${program} ${verb.usage}`];
  if (verb.flags.length > 0) lines.push('', 'Options:', ...verb.flags.map(formatFlag));
  return `${lines.join('\n')}\n`;
}

export function formatGlobalFlags(): string {
  return `Options of every command:\n${globalFlags.map(formatFlag).join('\n')}\n`;
}

function formatFlag(flag: FlagSpec): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  const value = flag.kind === 'boolean' ? '' : ` ${flag.kind}`;
  const shown = `  ${short}--${flag.name}${value}`.padEnd(34);
  const byDefault = flag.default === '' || flag.default === 'false' ? '' : ` (${flag.default})`;
  return `${shown}  ${flag.help}${byDefault}`;
}
