import assert from 'node:assert/strict';
import { sha1 } from '../../src/host/sha1.ts';
import { clusterIdOf, memberIdOf } from '../../src/membership/ids.ts';

// The numbers are those of etcd 3.7.3 started with the same flags.
describe('ids of members and clusters', () => {
  it('are those that etcd gives to one member on the default port', () => {
    const id = memberIdOf(['http://localhost:2380'], 'etcd-cluster', sha1);
    assert.equal(id, 10276657743932975437n);
    assert.equal(clusterIdOf([id], sha1), 14841639068965178418n);
  });

  it('do not depend on an order', () => {
    const urls = ['http://b:1', 'http://a:2'];
    assert.equal(memberIdOf(urls, 't', sha1), memberIdOf(urls.toReversed(), 't', sha1));
    const ids = [2n ** 63n, 5n, 2n];
    assert.equal(clusterIdOf(ids, sha1), clusterIdOf(ids.toReversed(), sha1));
    assert.deepEqual(urls, ['http://b:1', 'http://a:2'], 'and leave what they are given as it is');
  });

  it('depend on URLs and token', () => {
    const urls = ['http://a:1'];
    assert.notEqual(memberIdOf(urls, 'a', sha1), memberIdOf(urls, 'b', sha1));
    assert.notEqual(memberIdOf(urls, 'a', sha1), memberIdOf(['http://a:2'], 'a', sha1));
  });
});
