import type { Stage } from './run.ts';

/** How far a test is: one line that changes on a terminal, a line per stage elsewhere. */
export class Progress {
  readonly #title: string;
  readonly #startedAtMs = performance.now();
  #last = '';

  constructor(title: string) {
    this.#title = title;
  }

  show({ what, operations, faults }: Stage): void {
    const seconds = Math.round((performance.now() - this.#startedAtMs) / 1_000);
    if (!process.stderr.isTTY) {
      if (what !== this.#last) console.log(`[${seconds} s] ${this.#title}: ${what}`);
      this.#last = what;
      return;
    }
    const wrong = faults.length === 0 ? '' : `; ${faults.join('; ')}`;
    const text = `[${seconds} s] ${this.#title}: ${what}, ${operations} operations${wrong}`;
    process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns ?? 100) - 1)}`);
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }
}
