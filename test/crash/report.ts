import type { ImageResult } from './campaign.ts';

/** Counts by kind of image and outcome, as a table of text. */
export class Tally {
  private readonly rows = new Map<string, { booted: number; refused: number; failed: number }>();
  passed = 0;
  failed = 0;

  add(result: ImageResult): void {
    const { kind, damage, cut } = result;
    this.count(`files: ${kind.files}`, result);
    this.count(`entries: ${kind.entries}`, result);
    this.count(`a new file is ${kind.reading}`, result);
    this.count(damage === undefined ? 'no damage' : `damage: ${damage.split(':')[0]}`, result);
    if (kind.isUnordered === true) this.count('no journal keeps an order', result);
    this.count(`near: ${cut.near}`, result);
    if (result.problem === undefined) this.passed++;
    else this.failed++;
  }

  private count(name: string, { problem, judgement }: ImageResult): void {
    const row = this.rows.get(name) ?? { booted: 0, refused: 0, failed: 0 };
    this.rows.set(name, row);
    if (problem !== undefined) row.failed++;
    else if (judgement.outcome === 'booted') row.booted++;
    else row.refused++;
  }

  describe(): string {
    const width = Math.max(...[...this.rows.keys()].map((name) => name.length), 10);
    const line = (name: string, ...cells: readonly (string | number)[]): string =>
      `${name.padEnd(width)} ${cells.map((cell) => String(cell).padStart(8)).join('')}`;
    const names = [...this.rows.keys()].sort();
    return [
      line('images', 'booted', 'refused', 'failed'),
      ...names.map((name) => {
        const { booted, refused, failed } = this.rows.get(name) ?? {
          booted: 0,
          refused: 0,
          failed: 0,
        };
        return line(name, booted, refused, failed);
      }),
    ].join('\n');
  }
}
