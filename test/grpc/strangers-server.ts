import { createGrpcServer } from '../../src/grpc/engines.ts';
import { listen } from '../../src/grpc/listener.ts';
import type { Handler } from '../../src/grpc/types.ts';
import { testLimits } from './fixture.ts';

/**
 * A server in a process of its own, for `strangers.test.ts`: it tells its port, and at every message what it uses after
 * garbage collection and how many connections it has.
 */

export interface Told {
  readonly port?: number;
  readonly usedBytes?: number;
  readonly connections?: number;
}

const large = new Uint8Array(900_000);

const handlers: Readonly<Record<string, Handler>> = {
  '/t.S/Echo': { kind: 'unary', handle: (call, request) => call.respond(request) },
  '/t.S/Large': { kind: 'unary', handle: (call) => call.respond(large.slice()) },
  '/t.S/Both': {
    kind: 'bidi',
    open: (call) => ({
      onMessage: (message) => void call.send(message),
      onHalfClose: () => call.end({ code: 0, text: '' }),
    }),
  },
};

const tell = (told: Told): void => void process.send?.(told);

const outcome = await listen({
  address: '127.0.0.1:0',
  grpc: createGrpcServer('fast', {
    handlers: new Map(Object.entries(handlers)),
    limits: { ...testLimits, concurrentStreamsMax: 0xffff_ffff },
  }),
  http: (_request, response) => response.end(),
});
if (!outcome.ok) throw new Error(outcome.error.text);
const { listener } = outcome;
process.on('message', () => {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  tell({ usedBytes: heapUsed + external, connections: listener.connectionCount });
});
process.on('disconnect', () => process.exit(0));
tell({ port: listener.address.kind === 'tcp' ? listener.address.port : 0 });
