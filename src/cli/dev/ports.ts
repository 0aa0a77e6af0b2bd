import { createServer } from 'node:net';
import type { PlannedMember } from './plan.ts';

/** The first port that cannot be listened on, and why; undefined when all are free. */
export async function findTakenPort(
  members: readonly PlannedMember[],
): Promise<{ readonly port: number; readonly reason: string } | undefined> {
  for (const port of members.flatMap(({ clientPort, peerPort }) => [clientPort, peerPort])) {
    const reason = await tryListen(port);
    if (reason !== undefined) return { port, reason };
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
