/** Tells how far a run is: one line that changes on a terminal, plain lines elsewhere. */
export class Progress {
  readonly #totalMs: number;
  readonly #startedAtMs = performance.now();
  #doneMs = 0;
  #title = '';

  /** `totalMs`: what the steps are expected to take together. */
  constructor(totalMs: number) {
    this.#totalMs = totalMs;
  }

  /** A step begins. */
  begin(title: string): void {
    this.#title = title;
    if (process.stderr.isTTY) this.#show('');
  }

  /** What the step under way says of itself. */
  detail(line: string): void {
    if (process.stderr.isTTY) this.#show(line);
  }

  /** A step that was expected to take so long has ended, with this result. */
  end(expectedMs: number, result: string): void {
    this.#doneMs += expectedMs;
    this.#clear();
    console.log(`[${this.#remaining()}] ${this.#title}: ${result}`);
  }

  /** A line that stays. */
  say(line: string): void {
    this.#clear();
    console.log(line);
  }

  #show(line: string): void {
    const columns = process.stderr.columns ?? 100;
    const text = `[${this.#remaining()}] ${this.#title} ${line}`;
    process.stderr.write(`\r\x1b[K${text.slice(0, columns - 1)}`);
  }

  #clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }

  #remaining(): string {
    const elapsedMs = performance.now() - this.#startedAtMs;
    return `${formatDuration(remainingMs(elapsedMs, this.#doneMs, this.#totalMs))} left`;
  }
}

/** The plan is believed at first, and corrected by how long its steps took, the more the further it is. */
export function remainingMs(elapsedMs: number, doneMs: number, totalMs: number): number {
  const share = totalMs > 0 ? Math.min(doneMs / totalMs, 1) : 1;
  const pace = doneMs > 0 ? elapsedMs / doneMs : 1;
  return Math.max(totalMs - doneMs, 0) * (1 + (pace - 1) * share);
}

export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
