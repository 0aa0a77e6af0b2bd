/** Tells how far a run is: one line that changes on a terminal, plain lines elsewhere. */
export class Progress {
  readonly #totalMs: number;
  readonly #startedAtMs = performance.now();
  #doneMs = 0;
  #step: Step | undefined;

  /** `totalMs`: what the steps are expected to take together. */
  constructor(totalMs: number) {
    this.#totalMs = totalMs;
  }

  /** A step begins that is expected to take so long. */
  begin(title: string, expectedMs: number): void {
    const timer = setInterval(() => this.#show(), redrawMs);
    timer.unref();
    this.#step = { title, expectedMs, timer, startedAtMs: performance.now(), detail: '' };
    this.#show();
  }

  /** What the step under way says of itself. */
  detail(line: string): void {
    if (this.#step !== undefined) this.#step.detail = line;
  }

  /** The step has ended, with this result. */
  end(result: string): void {
    const step = this.#step;
    if (step === undefined) return;
    clearInterval(step.timer);
    this.#step = undefined;
    this.#doneMs += step.expectedMs;
    this.say(`[${this.#remaining()}] ${step.title}: ${result}`);
  }

  /** A line that stays. */
  say(line: string): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    console.log(line);
  }

  #show(): void {
    if (!process.stderr.isTTY || this.#step === undefined) return;
    const columns = process.stderr.columns ?? 100;
    const text = `[${this.#remaining()}] ${this.#step.title} ${this.#step.detail}`;
    process.stderr.write(`\r\x1b[K${text.slice(0, columns - 1)}`);
  }

  #remaining(): string {
    const nowMs = performance.now();
    const step = this.#step;
    const inStepMs = step === undefined ? 0 : Math.min(nowMs - step.startedAtMs, step.expectedMs);
    const leftMs = remainingMs(nowMs - this.#startedAtMs, this.#doneMs + inStepMs, this.#totalMs);
    return `${formatDuration(leftMs)} left`;
  }
}

const redrawMs = 1_000;

interface Step {
  readonly title: string;
  readonly expectedMs: number;
  readonly startedAtMs: number;
  readonly timer: NodeJS.Timeout;
  detail: string;
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
