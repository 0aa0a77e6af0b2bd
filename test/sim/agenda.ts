/** What is due at some moment of a run, beside its steps: the ends of faults. */

interface Due {
  readonly atMs: number;
  readonly act: () => void | Promise<unknown>;
}

export class Agenda {
  private readonly due: Due[] = [];

  /** What is due at the same moment is done in the order in which it was added. */
  add(atMs: number, act: Due['act']): void {
    let at = this.due.length;
    while (at > 0 && (this.due[at - 1]?.atMs ?? 0) > atMs) at--;
    this.due.splice(at, 0, { atMs, act });
  }

  get nextMs(): number {
    return this.due[0]?.atMs ?? Infinity;
  }

  async runNext(): Promise<void> {
    await this.due.shift()?.act();
  }

  clear(): void {
    this.due.length = 0;
  }
}
