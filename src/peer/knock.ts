import { connectPlain } from '../grpc/fast-channel-connect.ts';
import { parseListenAddress } from '../grpc/listen-address.ts';

/** What a port says to one who only wants to know whether anybody listens there. */
export type KnockAnswer = 'refused' | 'other';

/**
 * Connects to `host:port` or `unix://path` and hangs up. `refused`: the host is there and says that nothing listens,
 * at none of the addresses of a name; anything else, silence included, is `other`. `done` is called once.
 */
export function knock(
  address: string,
  timeoutMs: number,
  done: (answer: KnockAnswer) => void,
): void {
  const target = parseListenAddress(address);
  if (target === undefined) return queueMicrotask(() => done('other'));
  const socket = connectPlain(target, () => end('other'));
  const timer = setTimeout(() => end('other'), timeoutMs).unref();
  let isOver = false;
  const end = (answer: KnockAnswer): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    socket.destroy();
    done(answer);
  };
  socket.on('error', (error) => end(isRefusal(error) ? 'refused' : 'other'));
}

function isRefusal(error: Error): boolean {
  if (error instanceof AggregateError) {
    return error.errors.every((each) => each instanceof Error && isRefusal(each));
  }
  return 'code' in error && error.code === 'ECONNREFUSED';
}
