import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A self-signed certificate for 127.0.0.1, made for one run of the tests. */
export interface Identity {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** Whether certificates can be made here; if not, that is said. */
export function hasOpenssl(): boolean {
  if (spawnSync('openssl', ['version']).status === 0) return true;
  console.log('      openssl is not there: no certificates to test with');
  return false;
}

export function makeIdentity(folder: string, commonName: string): Identity {
  const [key, cert] = [join(folder, `${commonName}.key`), join(folder, `${commonName}.crt`)];
  const what = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  const names = ['-subj', `/CN=${commonName}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', [...what, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}
