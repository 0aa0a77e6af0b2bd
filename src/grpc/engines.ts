import type { GrpcServerEngine, GrpcServerOptions } from './engine.ts';
import { openFastChannel } from './fast-channel.ts';
import { createFastServer } from './fast-server.ts';
import { openGrpcJsChannel, type ChannelOptions } from './grpc-js-channel.ts';
import { createGrpcJsServer } from './grpc-js-server.ts';
import type { GrpcChannel } from './types.ts';

/** Our own, and the well-known one. What they say on the wire is the same, so members may differ in it. */
export type EngineName = 'fast' | 'grpc-js';

export function createGrpcServer(engine: EngineName, options: GrpcServerOptions): GrpcServerEngine {
  return engine === 'fast' ? createFastServer(options) : createGrpcJsServer(options);
}

export function openChannel(engine: EngineName, options: ChannelOptions): GrpcChannel {
  return engine === 'fast' ? openFastChannel(options) : openGrpcJsChannel(options);
}
