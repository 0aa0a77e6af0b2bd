import assert from 'node:assert/strict';
import { readPeerUrls } from '../../src/membership/peer-urls.ts';

describe('peer URLs', () => {
  it('are sorted, without blanks around them', () => {
    const texts = [' http://b:2380', 'http://a:2380 ', 'unix://c:1', 'http://[::1]:2380'];
    assert.deepEqual(readPeerUrls(texts), [
      'http://[::1]:2380',
      'http://a:2380',
      'http://b:2380',
      'unix://c:1',
    ]);
  });

  for (const text of [
    '',
    'a:2380',
    'ftp://a:2380',
    'http://a',
    'http://a:',
    'http://a:65536',
    'http://a:2380/path',
    'http://a:2380/',
    'http://a b:2380',
    'unix://',
  ]) {
    it(`cannot be "${text}"`, () => assert.equal(readPeerUrls(['http://a:2380', text]), undefined));
  }

  it('are at least one', () => assert.equal(readPeerUrls([]), undefined));
});
