import { readFile, readdir, readlink } from 'node:fs/promises';

/**
 * Who calls: all members are on one address and advertise one peer URL each, so a proxy before the peer listener learns
 * the caller from Linux, which knows the process that holds the other end of a connection. It works for any program.
 */

const loopback = '0100007F';

/** The inode of the socket on 127.0.0.1:`localPort` that is connected to `remotePort`, in the text of /proc/net/tcp. */
export function inodeOf(table: string, localPort: number, remotePort: number): string | undefined {
  const at = table.indexOf(` ${endpoint(localPort)} ${endpoint(remotePort)} `);
  if (at < 0) return undefined;
  const end = table.indexOf('\n', at);
  const fields = table
    .slice(at, end < 0 ? undefined : end)
    .trim()
    .split(/\s+/);
  const inode = fields[inodeAt];
  return inode === undefined || inode === '0' ? undefined : inode;
}

/** proc(5): local, remote, state, queues, timer, retransmits, uid, timeout, inode. */
const inodeAt = 8;

function endpoint(port: number): string {
  return `${loopback}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The process among `pids` that called from `localPort`; undefined: it has ended, or is none of them. */
export async function ownerOf(
  localPort: number,
  remotePort: number,
  pids: readonly number[],
): Promise<number | undefined> {
  const inode = inodeOf(await readFile('/proc/net/tcp', 'latin1'), localPort, remotePort);
  if (inode === undefined) return undefined;
  const wanted = `socket:[${inode}]`;
  for (const pid of pids) if (await holds(pid, wanted)) return pid;
  return undefined;
}

async function holds(pid: number, wanted: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  // A process that ends meanwhile, or a descriptor that is closed, holds nothing.
  const descriptors = await readdir(folder).catch(() => []);
  const links = await Promise.all(
    descriptors.map((descriptor) => readlink(`${folder}/${descriptor}`).catch(() => '')),
  );
  return links.includes(wanted);
}
