import assert from 'node:assert/strict';
import { judge } from '../judge.ts';
import type { Anomaly, Checker, History, Operation } from '../types.ts';
import { timelinePage } from './timeline.ts';
import { verdictText } from './verdict-text.ts';
import { windowAround, windowOf } from './window.ts';

/** A read each millisecond, by three clients in turn. */
function historyOf(count: number): History {
  const operations = Array.from({ length: count }, (_, index): Operation => {
    const startUs = index * 1_000;
    const asked = { index, process: index % 3, member: `n${(index % 3) + 1}`, f: 'read' };
    const ended = { endUs: startUs + 900, outcome: 'ok' as const, output: '<b>&"' };
    return { ...asked, input: { key: 'x' }, startUs, ...ended };
  });
  const events = [{ startUs: 1_000, endUs: 50_000, what: 'kill -9 of n1', members: ['n1'] }];
  return { workload: 'w', nemesis: 'kill', seed: 1, target: 'quorate', operations, events };
}

const anomaly: Anomaly = {
  name: 'stale read',
  what: 'Client 2 read a value that had been <overwritten>.',
  operations: [700, 705],
};

const finds: Checker = {
  name: 'finds',
  check: () => ({
    checker: 'finds',
    result: 'invalid',
    anomalies: [anomaly],
    counts: { reads: 2 },
  }),
};

describe('jepsen-lite: the report', () => {
  const history = historyOf(2_000);
  const judgement = judge({ history, ending: undefined }, [finds]);

  it('cuts a long history to what an anomaly names and what is nearest to it', () => {
    const limits = { operationsMax: 10, marginUs: 20_000 };
    const window = windowOf(history, anomaly, limits);
    assert.deepEqual(
      window?.operations.map(({ index }) => index).filter((index) => index < 700 || index > 705)
        .length,
      4,
    );
    assert.deepEqual([...(window?.named ?? [])], [700, 705]);
    assert.ok((window?.leftOut ?? 0) > 0);
  });

  it('shows what went on around a moment', () => {
    const window = windowAround(history, 100_000, { operationsMax: 5, marginUs: 100 });
    assert.deepEqual(
      window?.operations.map(({ index }) => index),
      [98, 99, 100, 101, 102],
    );
  });

  it('tells in plain words what was asked and answered', () => {
    const text = verdictText(history, judgement);
    assert.match(text, /^FAILED/);
    assert.match(text, /stale read\n {2}Client 2 read a value/);
    assert.match(text, /#700, client 1 at n2, 0\.700 s: read {"key":"x"} — ok after 0\.90 ms/);
    assert.match(text, /0\.001 s to 0\.050 s {2}kill -9 of n1/);
  });

  it('links each anomaly to bars that are on the page', () => {
    const html = timelinePage(history, judgement);
    const links = [...html.matchAll(/href="#([^"]+)"/g)].map((match) => match[1]);
    assert.deepEqual(links, ['a1-o700', 'a1-o705']);
    for (const link of links) assert.equal(html.split(`id="${link}"`).length, 2, link);
  });

  it('loads nothing, and takes nothing of the history for its own text', () => {
    const html = timelinePage(history, judgement);
    assert.doesNotMatch(html, /https?:|src=|@import|url\(/);
    assert.doesNotMatch(html, /<b>&"|<overwritten>/);
  });
});
