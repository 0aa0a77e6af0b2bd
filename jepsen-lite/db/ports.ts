import { createServer, type Server } from 'node:net';

/**
 * Ports that a member binds again after a kill must lie below those that the kernel gives to outgoing connections
 * (32768 and up), or another socket may have taken one meanwhile.
 */
const lowest = 20_000;
const highest = 31_999;
/** Runs side by side begin at different places. */
const blockSize = 40;

/** Where a run begins to look when it is not told. */
const blocks = Math.floor((highest - lowest + 1) / blockSize);
/** The highest port that `--ports` may lead to. */
const highestPort = 65_535;

/** Ports that nobody else takes as long as they are held, though no member may listen on them just then. */
export interface HeldPorts {
  readonly ports: readonly number[];
  release(): void;
}

/** Blocks that this process has used: the next test begins elsewhere, where no late call of this one's comes. */
let blocksUsed = 0;

/**
 * Ports on loopback that nobody listens on now. A block of them is held by listening on its first port, so that
 * another run beside this one does not take a port whose member is down. @throws when none are left.
 */
export async function holdPorts(count: number, base?: number): Promise<HeldPorts> {
  if (count >= blockSize) throw new Error(`${count} ports do not fit into a block of ${blockSize}`);
  for (let tried = 0; tried < blocks; tried++) {
    const start = base === undefined ? nextBlock() : base + tried * blockSize;
    if (start + blockSize > highestPort) break;
    const holder = await listenOn(start);
    if (holder === undefined) continue;
    const ports = Array.from({ length: count }, (_, i) => start + 1 + i);
    const areFree = await Promise.all(ports.map((port) => isFree(port)));
    if (areFree.every(Boolean)) return { ports, release: () => holder.close() };
    holder.close();
  }
  throw new Error(`no ${count} free ports from ${base ?? lowest} on`);
}

function nextBlock(): number {
  const block = (process.pid + blocksUsed++) % blocks;
  return lowest + block * blockSize;
}

function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const holder = createServer((socket) => socket.destroy());
    holder.once('error', () => resolve(undefined));
    holder.listen(port, '127.0.0.1', () => resolve(holder));
  });
}

async function isFree(port: number): Promise<boolean> {
  const holder = await listenOn(port);
  if (holder === undefined) return false;
  await new Promise((resolve) => holder.close(resolve));
  return true;
}
