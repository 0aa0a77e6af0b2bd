/** Lets tasks that must not overlap (compaction, hashing over all rows) run one after the other. */
export class Exclusive {
  private readonly waiting: ((release: () => void) => void)[] = [];
  private isTaken = false;
  private isPaused = false;

  /** False when too many wait already; then `task` is not kept. */
  maybeRun(task: (release: () => void) => void): boolean {
    if (this.waiting.length >= waitingTasksMax) return false;
    this.waiting.push(task);
    if (!this.isTaken) this.next();
    return true;
  }

  /** Begins nothing more until `resume`: the store that tasks work on is being replaced. */
  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    if (!this.isTaken) this.next();
  }

  private next(): void {
    const task = this.isPaused ? undefined : this.waiting.shift();
    this.isTaken = task !== undefined;
    if (task === undefined) return;
    let isReleased = false;
    task(() => {
      if (isReleased) return;
      isReleased = true;
      this.next();
    });
  }
}

const waitingTasksMax = 256;
