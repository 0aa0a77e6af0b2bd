import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { EngineName } from '../../src/grpc/engines.ts';
import { engineUnderTest } from '../grpc/engine-under-test.ts';

/** A server that the tests can start: it takes etcd's flags and says when it is ready as etcd does. */
export interface Program {
  readonly label: string;
  /** The executable and its first arguments; the flags of a member follow. */
  readonly command: readonly string[];
}

/** The root of the checkout; this file runs from dist/test/members. */
export const repositoryRoot = fileURLToPath(new URL('../../../', import.meta.url));

/** This project's server on one of its gRPC engines. */
export function quorateOn(engine: EngineName): Program {
  const main = join(repositoryRoot, 'dist/src/cli/main.cjs');
  return {
    label: 'quorate',
    command: [process.execPath, main, 'server', `--grpc-engine=${engine}`],
  };
}

export const quorate: Program = quorateOn(engineUnderTest);

/** A real etcd, built by the interop toolchain. */
export const etcd: Program = {
  label: 'etcd',
  command: [join(repositoryRoot, 'test/interop/bin/etcd')],
};

/** `engine` is for quorate alone. @throws when no program has that name. */
export function programNamed(name: string, engine: EngineName = engineUnderTest): Program {
  if (name === 'quorate') return quorateOn(engine);
  if (name === 'etcd') return etcd;
  throw new Error(`no program named ${name}: expected quorate or etcd`);
}
