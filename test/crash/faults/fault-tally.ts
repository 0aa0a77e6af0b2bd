/** Counts of episodes by what went wrong with the disk. */
export class FaultTally {
  private readonly rows = new Map<string, Row>();
  passed = 0;
  failed = 0;

  add({ kind, ended, problem }: EpisodeResult): void {
    if (problem === undefined) this.passed++;
    else this.failed++;
    const outcome = problem !== undefined ? 'failed' : ended ? 'ended' : 'wentOn';
    const row = this.rows.get(kind) ?? { wentOn: 0, ended: 0, failed: 0 };
    this.rows.set(kind, row);
    row[outcome]++;
  }

  describe(): string {
    if (this.rows.size === 0) return '';
    const width = Math.max(...[...this.rows.keys()].map((kind) => kind.length), 12);
    const line = (name: string, ...cells: readonly (string | number)[]): string =>
      `${name.padEnd(width)} ${cells.map((cell) => String(cell).padStart(9)).join('')}`;
    const kinds = [...this.rows].sort(([one], [other]) => (one < other ? -1 : 1));
    return [
      line('failing disks', 'went on', 'ended', 'failed'),
      ...kinds.map(([kind, { wentOn, ended, failed }]) => line(kind, wentOn, ended, failed)),
    ].join('\n');
  }
}

interface Row {
  wentOn: number;
  ended: number;
  failed: number;
}

/** One time that the disk failed, and what came of it. */
export interface EpisodeResult {
  readonly number: number;
  readonly kind: string;
  /** The member ended itself. */
  readonly ended: boolean;
  readonly problem: string | undefined;
  /** What happened, line by line. */
  readonly report: readonly string[];
}
