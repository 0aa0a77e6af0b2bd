import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { formatDuration, parseDuration } from '../../src/config/duration.ts';
import { nearestWord } from '../../src/config/suggest.ts';
import { parseEndpointUrl } from '../../src/config/urls.ts';
import { parseValue } from '../../src/config/values.ts';

describe("Go's durations", () => {
  it('add up their parts', () => {
    const cases: readonly (readonly [string, number])[] = [
      ['0', 0],
      ['300ms', 300],
      ['1h15m30.5s', 4_530_500],
      ['-1.5h', -5_400_000],
      ['+2m', 120_000],
      ['1us', 0.001],
      ['.5s', 500],
    ];
    for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
    for (const text of ['', '5', 's', '5x', '1h 2m', '--1s', '1s5']) {
      assert.equal(parseDuration(text), undefined, text);
    }
  });

  it("are written as Go's String writes them", () => {
    const cases: readonly (readonly [number, string])[] = [
      [0, '0s'],
      [300, '300ms'],
      [4.336157, '4.336157ms'],
      [0.5, '500\u00b5s'],
      [5000, '5s'],
      [60_000, '1m0s'],
      [7_200_000, '2h0m0s'],
      [4_530_500, '1h15m30.5s'],
    ];
    for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
  });

  it('come back as they went', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), (ms) => {
        assert.equal(parseDuration(formatDuration(ms)), ms);
      }),
    );
  });
});

describe('numbers of options', () => {
  const number = (text: string): number | string => {
    const parsed = parseValue({ kind: 'integer', default: '0' }, text);
    if (!parsed.ok) return parsed.problem;
    return parsed.value.kind === 'number' ? parsed.value.number : 'no number';
  };

  it("are read with Go's prefixes", () => {
    assert.equal(number('10'), 10);
    assert.equal(number('-1'), -1);
    assert.equal(number('0x10'), 16);
    assert.equal(number('010'), 8);
    assert.equal(number('0b11'), 3);
    assert.equal(number('1_000'), 1000);
    for (const text of ['', 'x', '1.5', '1e3', '08', '_1'])
      assert.equal(number(text), 'parse error');
    assert.equal(number('99999999999999999999'), 'value out of range');
  });
});

describe('the nearest word', () => {
  it('is the one that was meant, or none', () => {
    const known = ['listen-client-urls', 'listen-peer-urls', 'name', 'data-dir'];
    assert.equal(nearestWord('listen-clent-urls', known), 'listen-client-urls');
    assert.equal(nearestWord('nmae', known), 'name');
    assert.equal(nearestWord('dataa-dir', known), 'data-dir');
    assert.equal(nearestWord('entirely-else', known), undefined);
  });
});

describe('URLs', () => {
  it('name a host and a port, or a socket', () => {
    const url = parseEndpointUrl(' http://[::1]:2379 ');
    assert.ok(url.ok);
    assert.deepEqual(url.url, {
      text: 'http://[::1]:2379',
      scheme: 'http',
      host: '::1',
      port: 2379,
      socketPath: undefined,
    });
    const socket = parseEndpointUrl('unix:///run/a.sock');
    assert.ok(socket.ok);
    assert.equal(socket.url.socketPath, '/run/a.sock');
    for (const text of [
      'http://h',
      'http://h:99999',
      'http://u@h:1',
      'http:h:1',
      'ftp://h:1',
      'unix://',
    ]) {
      assert.equal(parseEndpointUrl(text).ok, false, text);
    }
  });
});
