import type { WatchReceiver, WatchRefusal, Watches, WatchSpec } from '../../src/server/types.ts';

/** Watches that keep what they are asked; the test tells `receiver` what it likes. */
export class FakeWatches implements Watches {
  readonly receiver: WatchReceiver;
  readonly specs: WatchSpec[] = [];
  /** Everything else that was asked, in order, as text. */
  readonly asked: string[] = [];
  /** What the next creation comes to. */
  refusal: WatchRefusal | undefined;

  constructor(receiver: WatchReceiver) {
    this.receiver = receiver;
  }

  create(spec: WatchSpec): WatchRefusal | undefined {
    this.specs.push(spec);
    return this.refusal;
  }

  refuse(reason: string): void {
    this.asked.push(`refuse: ${reason}`);
  }

  cancel(id: bigint): boolean {
    this.asked.push(`cancel ${id}`);
    return true;
  }

  requestProgress(): void {
    this.asked.push('progress');
  }

  resume(): void {
    this.asked.push('resume');
  }

  close(): void {
    this.asked.push('close');
  }
}
