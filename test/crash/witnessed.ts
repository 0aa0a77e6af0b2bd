import type { TraceRecord } from './trace-reader.ts';

/**
 * The log's last records cannot be told from torn ones when synced bytes are damaged; the tail witness tells, and it
 * follows the log at a distance (src/storage/tail-witness.ts). So where synced bytes were damaged only what was
 * acknowledged before the newest durable witness was made up must be there, or be known to be missing.
 */
export class WitnessWatch {
  private readonly open = new Map<number, string>();
  /** Writes of witnesses by descriptor: where the last one, and the one before, began. */
  private readonly written = new Map<number, { readonly last: number; readonly before: number }>();
  /** What was acknowledged up to here is in a durable witness. */
  coveredAt = 0;

  apply(record: TraceRecord): void {
    if (record.kind === 'start') this.open.clear();
    if (record.kind === 'open') this.open.set(record.fd, record.path);
    if (!(this.open.get(record.fd) ?? '').startsWith('witness-')) return;
    const known = this.written.get(record.fd) ?? { last: 0, before: 0 };
    if (record.kind === 'open') this.written.delete(record.fd);
    if (record.kind === 'write') {
      this.written.set(record.fd, { last: record.at, before: known.last });
    }
    // A witness is made up after the one before was begun, and before it is written itself.
    if (record.kind === 'sync') this.coveredAt = Math.max(this.coveredAt, known.before);
  }
}
