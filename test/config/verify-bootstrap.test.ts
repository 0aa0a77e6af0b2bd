import assert from 'node:assert/strict';
import { defaultServerConfig, type InitialMember } from '../../src/config/server-config.ts';
import { parseInitialCluster } from '../../src/config/initial-cluster.ts';
import { verifyBootstrap } from '../../src/config/verify-bootstrap.ts';

function members(text: string): readonly InitialMember[] {
  const parsed = parseInitialCluster(text);
  assert.ok(parsed.ok);
  return parsed.members;
}

const addresses: Readonly<Record<string, string>> = { host1: '10.0.0.1', host2: '10.0.0.2' };

function verify(cluster: string, ...advertised: readonly string[]): Promise<string | undefined> {
  return verifyBootstrap(
    {
      ...defaultServerConfig(),
      name: 'x',
      initialCluster: members(cluster),
      initialAdvertisePeerUrls: advertised,
    },
    (host) =>
      addresses[host] === undefined
        ? Promise.reject(new Error(`lookup ${host}: no such host`))
        : Promise.resolve(addresses[host]),
  );
}

/** Texts recorded from etcd 3.7.3. */
describe('a new member and its initial cluster', () => {
  it('agree', async () => {
    assert.equal(await verify('x=http://localhost:2380', 'http://localhost:2380'), undefined);
    assert.equal(
      await verify('x=http://a:1,x=http://b:2,y=http://c:3', 'http://b:2', 'http://a:1'),
      undefined,
    );
  });

  it('agree by address when they do not by name', async () => {
    assert.equal(await verify('x=http://host1:2380', 'http://10.0.0.1:2380'), undefined);
  });

  it('do not when the cluster lacks the name', async () => {
    assert.equal(
      await verify('y=http://localhost:2380', 'http://localhost:2380'),
      'couldn\'t find local name "x" in the initial cluster configuration',
    );
  });

  it('do not when the cluster has a URL that is not advertised', async () => {
    assert.equal(
      await verify('x=http://localhost:2381', 'http://localhost:2380'),
      '--initial-cluster has x=http://localhost:2381 but missing from ' +
        '--initial-advertise-peer-urls=http://localhost:2380 ' +
        '(resolved urls: "http://localhost:2380" != "http://localhost:2381")',
    );
    assert.equal(
      await verify('x=http://localhost:2381,x=http://localhost:2380', 'http://localhost:2380'),
      '--initial-cluster has x=http://localhost:2381 but missing from ' +
        '--initial-advertise-peer-urls=http://localhost:2380 ' +
        '(len(["http://localhost:2380"]) != len(["http://localhost:2380" "http://localhost:2381"]))',
    );
    assert.match((await verify('x=http://host1:1', 'http://host2:1')) ?? '', /resolved urls: /);
    assert.match((await verify('x=http://host3:1', 'http://host2:1')) ?? '', /lookup host3/);
  });

  it('do not when a URL is advertised that the cluster lacks', async () => {
    assert.equal(
      await verify('x=http://localhost:2380', 'http://localhost:2380', 'http://localhost:2381'),
      '--initial-advertise-peer-urls has http://localhost:2381 but missing from ' +
        '--initial-cluster=x=http://localhost:2380,x=http://localhost:2381',
    );
  });

  it('do not when two members share a URL', async () => {
    assert.equal(
      await verify('x=http://localhost:2380,y=http://localhost:2380', 'http://localhost:2380'),
      'initial cluster x=http://localhost:2380,y=http://localhost:2380 has duplicate url',
    );
  });
});
