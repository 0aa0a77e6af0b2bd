import { mkdirSync, mkdtempSync, statfsSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from './programs.ts';

/**
 * Ports of the loopback interface that nobody uses now. All are held until the last is known, so that they
 * differ; between this answer and the bind of the member another process may still take one.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const holders = await Promise.all(Array.from({ length: count }, holdPort));
  const ports = holders.map((holder) => (holder.address() as AddressInfo).port);
  await Promise.all(holders.map((holder) => new Promise((done) => holder.close(done))));
  return ports;
}

function holdPort(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const holder = createServer();
    holder.once('error', reject);
    holder.listen(0, '127.0.0.1', () => resolve(holder));
  });
}

/** TMPFS_MAGIC of statfs(2). */
const tmpfsMagic = 0x01021994;

export const isInMemory = (folder: string): boolean => statfsSync(folder).type === tmpfsMagic;

/** A fresh folder on a real disk: a sync means nothing on a file system that lives in memory. */
export function scratchFolder(prefix: string, wanted?: string): string {
  const parent = wanted ?? (isInMemory(tmpdir()) ? join(repositoryRoot, 'data') : tmpdir());
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, `quorate-${prefix}-`));
}
