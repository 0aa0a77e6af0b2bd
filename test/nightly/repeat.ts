/**
 * What shows a failure again: the command that the harness names in its output, if it is one of its own; else the
 * whole slice. Words that need quotes are taken as they stand.
 */
export function repeatOf(output: string, argv: readonly string[]): readonly string[] {
  const [npm, run, silent, script] = argv;
  if (npm !== 'npm' || run !== 'run' || script === undefined) return argv;
  const named = new RegExp(`npm run (?:-s )?${script} -- ([-\\w ./:=,]*--seed[-\\w ./:=,]*)`);
  const options = named.exec(output)?.[1]?.trim().split(/ +/);
  return options === undefined ? argv : [npm, run, silent ?? '-s', script, '--', ...options];
}
