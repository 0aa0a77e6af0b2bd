/** Lets tasks that must not overlap (compaction, hashing over all rows) run one after the other. */
export class Exclusive {
  private readonly waiting: ((release: () => void) => void)[] = [];
  private isTaken = false;

  /** False when too many wait already; then `task` is not kept. */
  maybeRun(task: (release: () => void) => void): boolean {
    if (this.waiting.length >= waitingTasksMax) return false;
    this.waiting.push(task);
    if (!this.isTaken) this.next();
    return true;
  }

  private next(): void {
    const task = this.waiting.shift();
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
