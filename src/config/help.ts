import type { Option, OptionGroup } from './option.ts';
import { options } from './options.ts';

/** The text of `--help`: the option table, by group, in the order of etcd's help. */
export function formatServerHelp(program: string): string {
  const lines = [
    `Usage: ${program} [flags]`,
    '',
    'Starts a member. Every flag can also be given as a variable (--data-dir as ETCD_DATA_DIR) or, with',
    '--config-file, as a key of a YAML or JSON file. A flag wins over its variable; a file replaces both.',
  ];
  let group: OptionGroup | undefined;
  for (const option of options) {
    if (option.group === 'No longer used') continue;
    if (option.group !== group) lines.push('', `${option.group}:`);
    group = option.group;
    lines.push(`  ${formatFlag(option)}`, `    ${option.help}${formatStatus(option)}`);
  }
  return `${lines.join('\n')}\n`;
}

function formatFlag(option: Option): string {
  return `--${option.flag} '${option.type.default}'`;
}

function formatStatus({ status }: Option): string {
  switch (status.kind) {
    case 'built':
      return '';
    case 'ignored':
      return ` [no effect: ${status.why}]`;
    case 'refused':
      return ` [refused: ${status.remedy}]`;
  }
}
