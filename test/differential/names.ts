/**
 * What one side calls the things that each server numbers by itself. The stream speaks of them by name, so that
 * it is the same for both sides, and so that an answer of one side can be compared with the other's.
 */
export class Names {
  readonly #ids = new Map<string, string>();
  readonly #names = new Map<string, string>();

  learn(name: string, id: string): void {
    this.#ids.set(name, id);
    this.#names.set(id, name);
  }

  /** The id behind a name; what is no name stands for itself, and a name that is not known for a lease nobody has. */
  idOf(nameOrId: string): string {
    const id = this.#ids.get(nameOrId);
    if (id !== undefined) return id;
    return isName(nameOrId) ? unknownLease : nameOrId;
  }

  /** The name of an id; an id without a name stands for itself. */
  nameOf(id: string): string {
    return this.#names.get(id) ?? id;
  }
}

const unknownLease = '1';
const isName = (text: string): boolean => text.includes(':');

/** The n-th lease whose id the server has picked. */
export const pickedLease = (n: number): string => `lease:${n}`;

/** The member that answers. */
export const ownMember = 'member:own';
