/**
 * Deadlines of calls, of which every call of a Go client has one and few are ever reached: a wheel of slots (Varghese
 * and Lauck, 1987) that one timer turns, so that a call costs no timer of its own. Nothing is told early, and nothing
 * later than a slot.
 */

const slotMs = 16;
/** A turn of the wheel is about eight seconds; what is due later stays for more of them. */
const slotCount = 512;

/** What has a deadline. The fields are the wheel's. */
export interface Timed {
  dueMs: number;
  /** Where it hangs in the wheel; negative: nowhere. */
  slot: number;
  previousTimed: Timed | undefined;
  nextTimed: Timed | undefined;
  /** Its time has passed, and it is out of the wheel; also if it was removed in this very turn. */
  onDue(): void;
}

export class CallDeadlines {
  private readonly slots: (Timed | undefined)[] = Array.from({ length: slotCount });
  private readonly now: () => number;
  private timer: NodeJS.Timeout | undefined;
  private isTurning = false;
  private count = 0;
  /** Up to this slot, counted from the clock's zero, everything due was told. */
  private doneSlot = 0;

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  get size(): number {
    return this.count;
  }

  add(timed: Timed, timeoutMs: number): void {
    const nowMs = this.now();
    timed.dueMs = nowMs + timeoutMs;
    const slot = Math.ceil(timed.dueMs / slotMs) % slotCount;
    const first = this.slots[slot];
    timed.slot = slot;
    timed.previousTimed = undefined;
    timed.nextTimed = first;
    if (first !== undefined) first.previousTimed = timed;
    this.slots[slot] = timed;
    this.count++;
    if (!this.isTurning) this.start(nowMs);
  }

  /** Harmless for what is not in the wheel. */
  remove(timed: Timed): void {
    if (timed.slot < 0) return;
    const { previousTimed, nextTimed } = timed;
    if (previousTimed === undefined) this.slots[timed.slot] = nextTimed;
    else previousTimed.nextTimed = nextTimed;
    if (nextTimed !== undefined) nextTimed.previousTimed = previousTimed;
    timed.slot = -1;
    timed.previousTimed = undefined;
    timed.nextTimed = undefined;
    this.count--;
  }

  private start(nowMs: number): void {
    this.isTurning = true;
    this.doneSlot = Math.floor(nowMs / slotMs);
    this.timer ??= setTimeout(() => this.turn(), slotMs).unref();
    this.timer.refresh();
  }

  private turn(): void {
    const nowMs = this.now();
    const slot = Math.floor(nowMs / slotMs);
    const due: Timed[] = [];
    for (let i = Math.max(this.doneSlot + 1, slot - slotCount + 1); i <= slot; i++) {
      this.takeDue(i % slotCount, nowMs, due);
    }
    this.doneSlot = slot;
    for (const timed of due) timed.onDue();
    this.isTurning = this.count > 0;
    if (this.isTurning) this.timer?.refresh();
  }

  private takeDue(slot: number, nowMs: number, due: Timed[]): void {
    let timed = this.slots[slot];
    while (timed !== undefined) {
      const next: Timed | undefined = timed.nextTimed;
      if (timed.dueMs <= nowMs) {
        this.remove(timed);
        due.push(timed);
      }
      timed = next;
    }
  }
}
