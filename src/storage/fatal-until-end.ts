import type { Fatal, StorageError } from './errors.ts';

/** A write that fails while something is under way ends that, by `failure`; `later` is for what fails afterwards. */
export class FatalUntilEnd {
  readonly failure: Promise<never>;
  private tell: Fatal;
  private readonly later: Fatal;

  constructor(later: Fatal) {
    this.later = later;
    this.tell = later;
    this.failure = new Promise((_, reject) => (this.tell = reject));
    // It may come when nobody waits any more.
    this.failure.catch(() => undefined);
  }

  failed(error: StorageError): void {
    this.tell(error);
  }

  end(): void {
    this.tell = this.later;
  }
}
