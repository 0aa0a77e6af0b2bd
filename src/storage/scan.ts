import type { Cursor } from './database.ts';

/** Rows of one step of a scan while opening. */
const rowsMax = 1000;

/** Feeds all rows to `take`, in order, and closes the cursor; for opening. The next rows are read while it works. */
export async function scanAll<T>(
  cursor: Cursor<T>,
  take: (rows: readonly T[]) => void,
): Promise<void> {
  try {
    let reading = nextRows(cursor);
    for (let rows = await reading; rows.length > 0; rows = await reading) {
      reading = nextRows(cursor);
      try {
        take(rows);
      } catch (refused) {
        // A cursor is closed when it rests.
        await reading.catch(() => undefined);
        throw refused;
      }
    }
  } finally {
    cursor.close();
  }
}

function nextRows<T>(cursor: Cursor<T>): Promise<readonly T[]> {
  return new Promise((resolve, reject) => {
    cursor.next(rowsMax, (error, rows) => {
      if (error === undefined) resolve(rows);
      else reject(error);
    });
  });
}
