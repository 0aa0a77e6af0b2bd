/** What every tool does first: who asks how it is called is told, on stdout, and nothing else is done. */

/** Whether `--help` or `-h` is among the arguments, and `usage` was printed. */
export function hasToldUsage(usage: string, argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const options = end < 0 ? argv : argv.slice(0, end);
  if (!options.some((option) => option === '--help' || option === '-h')) return false;
  console.log(usage);
  return true;
}
