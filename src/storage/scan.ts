import type { Bytes } from '../base/bytes.ts';
import type { Database } from './database.ts';
import type { Row } from './types.ts';

/** Rows of one step of a scan while opening. */
const rowsMax = 1000;

/** Feeds all rows of a range to `take`, in order; for opening. */
export function scanAll(
  db: Database,
  from: Bytes,
  to: Bytes,
  take: (rows: readonly Row[]) => void,
): Promise<void> {
  const cursor = db.scan(from, to);
  return new Promise<void>((resolve, reject) => {
    const step = (): void => {
      cursor.next(rowsMax, (error, rows) => {
        if (error !== undefined) return reject(error);
        if (rows.length === 0) return resolve();
        try {
          take(rows);
        } catch (refused) {
          return reject(refused instanceof Error ? refused : new Error(String(refused)));
        }
        step();
      });
    };
    step();
  }).finally(() => cursor.close());
}
