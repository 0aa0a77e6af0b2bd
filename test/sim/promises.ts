/** What is said of a promise that was not kept: what was promised, and what happened instead, in lines to be read. */

/** The promise is the same from run to run, so that failures can be told apart by it. */
export function broken(promise: string, happened: readonly string[]): never {
  const shown = happened.slice(0, shownMax).map((each) => `  happened: ${shortened(each)}`);
  const more = happened.length - shown.length;
  if (more > 0) shown.push(`  and ${more} more of the kind`);
  throw new BrokenPromise(`promised: ${promise}`, shown);
}

export function mustFindNone(promise: string, found: readonly string[]): void {
  if (found.length > 0) broken(promise, found);
}

export class BrokenPromise extends Error {
  /** Of what happened. */
  readonly details: readonly string[];

  constructor(promise: string, details: readonly string[]) {
    super([promise, ...details].join('\n'));
    this.name = 'BrokenPromise';
    this.details = details;
  }
}

const shownMax = 10;
const charsMax = 400;

/** Long values are their beginnings. */
export function shortened(text: string): string {
  const plain = text.replaceAll(/\.{8,}/g, '...');
  return plain.length > charsMax
    ? `${plain.slice(0, charsMax)}... (${plain.length} characters)`
    : plain;
}
