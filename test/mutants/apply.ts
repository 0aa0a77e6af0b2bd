import type { Mutant, Replacement } from './types.ts';

/** A mutant does not fit the source any more: it has to be written anew, or the bug became impossible. */
export class DoesNotApply extends Error {}

/** The text with the replacement carried out. */
export function replaceOnce(text: string, { file, from, to }: Replacement): string {
  const count = from === '' ? 0 : text.split(from).length - 1;
  if (count !== 1) throw new DoesNotApply(`src/${file} has ${count} times, not once: ${from}`);
  // A function, so that `$&` in the replacement means nothing.
  return text.replace(from, () => to);
}

/** The changed files of a mutant by their names below src. */
export function mutatedFiles(
  mutant: Mutant,
  read: (file: string) => string,
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const change of mutant.changes) {
    const text = files.get(change.file) ?? read(change.file);
    files.set(change.file, replaceOnce(text, change));
  }
  return files;
}

/** Sets of mutants that can be planted at once: none of them changes what another one is looked for by. */
export function compatibleSets(
  mutants: readonly Mutant[],
  read: (file: string) => string,
): readonly ReadonlyMap<string, string>[] {
  const sets: Map<string, string>[] = [];
  for (const mutant of mutants) {
    const joined = sets.some((files) => maybeJoin(files, mutant, read));
    if (!joined) sets.push(new Map(mutatedFiles(mutant, read)));
  }
  return sets;
}

function maybeJoin(
  files: Map<string, string>,
  mutant: Mutant,
  read: (file: string) => string,
): boolean {
  try {
    const changed = mutatedFiles(mutant, (file) => files.get(file) ?? read(file));
    for (const [file, text] of changed) files.set(file, text);
    return true;
  } catch (error) {
    if (error instanceof DoesNotApply) return false;
    throw error;
  }
}
