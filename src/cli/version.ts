import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';

/** The version of etcd whose place is taken: clients and scripts read it. */
export const etcdVersion = '3.7.3';
const etcdApiVersion = '3.7';

/** Our own, from package.json, which lies three folders above the compiled file. */
export function ownVersion(): string {
  const require = createRequire(import.meta.url);
  const { version } = require('../../../package.json') as { readonly version: string };
  return version;
}

/** `etcd --version`: the first line is read by scripts. */
export function formatServerVersion(): string {
  return [
    `etcd Version: ${etcdVersion}`,
    `Quorate Version: ${ownVersion()}`,
    `Node Version: ${process.version}`,
    `Node OS/Arch: ${platform()}/${arch()}`,
    '',
  ].join('\n');
}

/** `etcdctl version`, word for word. */
export function formatCtlVersion(): string {
  return `etcdctl version: ${etcdVersion}\nAPI version: ${etcdApiVersion}\n`;
}

/** `quorate version`. */
export function formatOwnVersion(): string {
  return `quorate Version: ${ownVersion()}\netcd Version: ${etcdVersion}\n`;
}
