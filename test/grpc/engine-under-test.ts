import { defaultServerConfig } from '../../src/config/server-config.ts';
import type { EngineName } from '../../src/grpc/engines.ts';

/** The engine that the tests of everything above gRPC run on: QUORATE_TEST_GRPC_ENGINE, or the product's default. */
export const engineUnderTest: EngineName = engineNamed(
  process.env['QUORATE_TEST_GRPC_ENGINE'] ?? defaultServerConfig().grpcEngine,
);

export const engineNames: readonly EngineName[] = ['fast', 'grpc-js'];

/** @throws when no engine has that name. */
export function engineNamed(name: string): EngineName {
  if (name === 'fast' || name === 'grpc-js') return name;
  throw new Error(`no gRPC engine named ${name}: expected fast or grpc-js`);
}
