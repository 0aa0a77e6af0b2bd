import { totalmem } from 'node:os';

/** What this process may use: the machine's memory, or less where a container bounds it. */
export function machineMemoryBytes(): number {
  const totalBytes = totalmem();
  // 0 where nothing bounds it and, in older releases of Node, undefined.
  const boundBytes: number | undefined = process.constrainedMemory?.();
  return boundBytes ? Math.min(totalBytes, boundBytes) : totalBytes;
}
