import { equalBytes } from '../../../src/base/bytes.ts';
import type { Entry } from '../../../src/raft/types.ts';
import { must, type Property } from './property.ts';
import type { LoggedEntry } from './sight.ts';

const name = 'I3 log matching';

interface Known extends LoggedEntry {
  /** Another entry at the same index, of another term. */
  readonly next: Known | undefined;
}

/**
 * An entry is named by index and term; what has the same name has the same content and the same predecessor, and
 * so, by induction, the same log before it (dissertation, Figure 3.2). Judged at each entry that comes up.
 */
export class LogMatching implements Property {
  readonly name = name;
  readonly on = ['logged'] as const;
  private readonly known: (Known | undefined)[] = [];

  judge({ logged }: { readonly logged: readonly LoggedEntry[] }): void {
    for (const each of logged) this.met(each);
  }

  private met({ entry, previousTerm }: LoggedEntry): void {
    const { index, term } = entry;
    const first = this.known[index];
    for (let at = first; at !== undefined; at = at.next) {
      if (at.entry.term !== term) continue;
      const { entry: other, previousTerm: otherPrevious } = at;
      must(
        otherPrevious === previousTerm,
        name,
        () =>
          `entry ${term}/${index} follows one of term ${otherPrevious} and one of ${previousTerm}`,
      );
      must(isSame(entry, other), name, () => `entry ${term}/${index} has two contents`);
      return;
    }
    must(term >= previousTerm, name, () => `entry ${term}/${index} follows one of ${previousTerm}`);
    this.known[index] = { entry, previousTerm, next: first };
  }
}

export function isSame(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  return a.term === b.term && a.type === b.type && equalBytes(a.data, b.data);
}
