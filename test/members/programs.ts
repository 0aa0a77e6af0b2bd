import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

/** A server that the tests can start: it takes etcd's flags and says when it is ready as etcd does. */
export interface Program {
  readonly label: string;
  /** The executable and its first arguments; the flags of a member follow. */
  readonly command: readonly string[];
}

/** The root of the checkout; this file runs from dist/test/members. */
export const repositoryRoot = fileURLToPath(new URL('../../../', import.meta.url));

export const quorate: Program = {
  label: 'quorate',
  command: [process.execPath, join(repositoryRoot, 'dist/src/cli/main.cjs'), 'server'],
};

/** A real etcd, built by the interop toolchain. */
export const etcd: Program = {
  label: 'etcd',
  command: [join(repositoryRoot, 'test/interop/bin/etcd')],
};

/** @throws when no program has that name. */
export function programNamed(name: string): Program {
  if (name === 'quorate') return quorate;
  if (name === 'etcd') return etcd;
  throw new Error(`no program named ${name}: expected quorate or etcd`);
}
