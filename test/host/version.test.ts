import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  clusterVersion,
  etcdVersion,
  quorateVersion,
  storageVersion,
} from '../../src/wire/version.ts';

describe('the version', () => {
  it('is the one of package.json', () => {
    const file = new URL('../../../package.json', import.meta.url);
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
    assert.equal(quorateVersion, version);
  });

  it('is told to clients as plain numbers, which Patroni and Kubernetes parse', () => {
    for (const version of [etcdVersion, clusterVersion, storageVersion]) {
      assert.match(version, /^\d+\.\d+\.\d+$/);
    }
  });
});
