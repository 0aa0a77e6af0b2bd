import { createServer } from 'node:net';
import type { PlannedMember } from './plan.ts';

export interface TakenPort {
  readonly port: number;
  /** The member that it is meant for. */
  readonly name: string;
  /** A code such as EADDRINUSE. */
  readonly reason: string;
}

/** The first port that cannot be listened on; undefined when all are free. */
export async function findTakenPort(
  members: readonly PlannedMember[],
): Promise<TakenPort | undefined> {
  for (const { name, clientPort, peerPort } of members) {
    for (const port of [clientPort, peerPort]) {
      const reason = await tryListen(port);
      if (reason !== undefined) return { port, name, reason };
    }
  }
  return undefined;
}

function tryListen(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.close(() => resolve(undefined));
    });
  });
}
