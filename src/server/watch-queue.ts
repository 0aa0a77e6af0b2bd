import type { WatchOutput, WatchReceiver } from './types.ts';

/**
 * What a stream of watches has still to be told, in order. Bounded in bytes: while there is no room its watches take
 * no events into memory and are brought up from the store later.
 */
export class WatchQueue {
  private readonly receiver: WatchReceiver;
  private readonly bytesMax: number;
  private readonly events: WatchQueueEvents;
  private outputs: WatchOutput[] = [];
  private head = 0;
  private bytes = 0;
  /** Events among the outputs. */
  private eventCount = 0;
  private isBlocked = false;
  private isClosed = false;
  /** Watches of the stream that are up to date (kept by watch-sets.ts), so that nobody has to look at each. */
  syncedWatchers = 0;

  constructor(receiver: WatchReceiver, bytesMax: number, events: WatchQueueEvents) {
    this.receiver = receiver;
    this.bytesMax = bytesMax;
    this.events = events;
  }

  /** Whether events may be added: some were taken since it was full, or it never was. */
  get hasRoom(): boolean {
    return this.bytes < this.bytesMax;
  }

  /** Whether it pays to read from the store for this stream: it takes what it is told, and has little left. */
  get isReady(): boolean {
    return !this.isBlocked && !this.isClosed && this.bytes <= this.bytesMax / 2;
  }

  get isStuck(): boolean {
    return this.isBlocked;
  }

  get pendingEvents(): number {
    return this.eventCount;
  }

  /** Takes everything: who adds events asks `hasRoom` first. */
  add(output: WatchOutput): void {
    if (this.isClosed) return;
    this.outputs.push(output);
    this.bytes += bytesOf(output);
    this.eventCount += eventsIn(output);
    if (!this.isBlocked) this.events.onWaiting(this);
  }

  /** Counts memory that is being gathered for this queue; negative when it is added or given up. */
  reserve(bytes: number): void {
    this.bytes += bytes;
  }

  /** Tells the next outputs, a few; answers true when more could be told now. */
  tell(outputsMax: number): boolean {
    for (let told = 0; told < outputsMax && !this.isBlocked; told++) {
      const next = this.outputs[this.head];
      if (next === undefined) return false;
      this.take(next);
      if (!this.receiver.receive(next)) this.isBlocked = true;
    }
    return !this.isBlocked && this.head < this.outputs.length;
  }

  resume(): void {
    if (!this.isBlocked) return;
    this.isBlocked = false;
    this.events.onWaiting(this);
  }

  close(): void {
    this.isClosed = true;
    this.outputs = [];
    this.head = 0;
    this.bytes = 0;
    this.eventCount = 0;
  }

  private take(output: WatchOutput): void {
    this.head++;
    this.bytes -= bytesOf(output);
    const count = eventsIn(output);
    this.eventCount -= count;
    if (count > 0) this.events.onTold(count);
    if (this.head < shiftedMax && this.head < this.outputs.length) return;
    this.outputs = this.outputs.slice(this.head);
    this.head = 0;
  }
}

export interface WatchQueueEvents {
  /** There is something to tell, and nothing that hinders it. */
  readonly onWaiting: (queue: WatchQueue) => void;
  readonly onTold: (eventCount: number) => void;
}

/** What an output is counted as beside its events. */
const outputBytes = 64;
/** Outputs told before the array is cut. */
const shiftedMax = 1024;

function bytesOf(output: WatchOutput): number {
  return outputBytes + (output.type === 'events' ? output.events.totalBytes : 0);
}

function eventsIn(output: WatchOutput): number {
  return output.type === 'events' ? output.events.length : 0;
}
