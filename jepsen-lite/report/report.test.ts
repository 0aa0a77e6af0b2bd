import assert from 'node:assert/strict';
import { judge } from '../judge.ts';
import type { Anomaly, Checker, History, Operation } from '../types.ts';
import { workloadAbout } from '../workloads/about.ts';
import { workloads } from '../workloads/index.ts';
import { noFacts } from './member-logs.ts';
import { timelinePage } from './timeline.ts';
import { verdictText } from './verdict-text.ts';
import { labelOf, tellOperation } from './words.ts';
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

  it('says first where a test must fail, and where the store has done wrong', () => {
    const first = (nemesis: string): string =>
      verdictText({ ...history, nemesis }, judgement, 'folder').split('\n')[0] ?? '';
    assert.match(first('kill'), /^FAILED: the store did something/);
    assert.match(first('amnesia'), /^FAILED, as this test must/);
  });

  it('shows of a watcher the moment of the write, not the one at which it was written down', () => {
    const end = 1_999;
    const operations = history.operations.map((each) =>
      each.index === end ? { ...each, f: 'watch', endUs: each.startUs } : each,
    );
    const about = { operations: [700, end] };
    const window = windowOf({ ...history, operations }, about);
    assert.ok(window !== undefined && window.endUs < 800_000);
    assert.ok(window.named.has(end));
  });

  it('shows what went on around a moment', () => {
    const window = windowAround(history, 100_000, { operationsMax: 5, marginUs: 100 });
    assert.deepEqual(
      window?.operations.map(({ index }) => index),
      [98, 99, 100, 101, 102],
    );
  });

  it('tells in plain words what was asked and answered', () => {
    const text = verdictText(history, judgement, 'results/x');
    assert.match(text, /^FAILED/);
    assert.match(text, /stale read\n {2}Client 2 read a value/);
    assert.match(text, /#700, client 1 at n2, 0\.700 s: read {"key":"x"} — ok after 0\.90 ms/);
    assert.match(text, /0\.001 s to 0\.050 s {2}kill -9 of n1/);
  });

  it('links each anomaly to bars that are on the page', () => {
    const html = timelinePage(history, judgement, 'results/x');
    const links = [...html.matchAll(/href="#([^"]+)"/g)].map((match) => match[1]);
    assert.deepEqual(links, ['a1', 'a1-o700', 'a1-o705']);
    for (const link of links) assert.equal(html.split(`id="${link}"`).length, 2, link);
  });

  it('loads nothing, and takes nothing of the history for its own text', () => {
    const html = timelinePage(history, judgement, 'results/x');
    assert.doesNotMatch(html, /https?:|src=|@import|url\(/);
    assert.doesNotMatch(html, /<b>&"|<overwritten>/);
  });

  describe('of a failure begins with a story for someone who has never seen the code', () => {
    const asked = (index: number): Operation => ({
      index,
      process: index % 3,
      member: `n${(index % 3) + 1}`,
      f: 'get',
      input: { success: [{ op: 'get', key: index % 2 === 0 ? 'x' : 'y' }] },
      startUs: index * 1e6,
      endUs: index * 1e6 + 900,
      outcome: 'ok',
      output: null,
    });
    const failing: History = {
      workload: 'register',
      nemesis: 'mix',
      seed: 9,
      target: 'etcd',
      seconds: 30,
      operations: Array.from({ length: 12 }, (_, i) => asked(i)),
      events: [
        { startUs: 3e6, endUs: 4e6, what: 'kill -9 of n1', members: ['n1'] },
        { startUs: 5.5e6, endUs: 7e6, what: 'cut between n2 and n1, n3', members: ['n2'] },
      ],
    };
    const verdict = (checker: string, ...anomalies: Anomaly[]): Checker => ({
      name: checker,
      check: () => ({ checker, result: 'invalid', anomalies, counts: {} }),
    });
    const stale: Anomaly = { name: 'stale read', what: 'Operation 6 read 3.', operations: [4, 6] };
    const exit: Anomaly = {
      name: 'unexpected exit',
      what: 'n2 ended by itself.',
      operations: [],
      atUs: 9.5e6,
      members: ['n2'],
    };
    const textOf = (...checkers: Checker[]): string => {
      const judged = judge({ history: failing, ending: undefined }, checkers);
      return verdictText(failing, judged, 'results/x');
    };

    it('the promise, what broke it, when, at which members, with which faults', () => {
      const text = textOf(verdict('members stay up', exit), verdict('replay', stale));
      const [, story = ''] = text.split('\n\n');
      assert.match(story, /^The store promises: A read tells what was there when it was asked/);
      assert.match(story, /This was broken: Operation 6 read 3\./);
      assert.match(
        story,
        /\(#6\) was asked of n1 at 6\.000 s and came at 6\.001 s; .* \(#4\) was confirmed by n2 at 4\.001 s/,
      );
      assert.match(story, /Faults in place between the two: cut between n2 and n1, n3/);
      assert.match(story, /Below 2 findings are told, by replay, members stay up/);
    });

    it('the operations that show it, some of the same key around them, and none of others', () => {
      const lines = textOf(verdict('replay', stale)).split('\n');
      const at = lines.indexOf('The operations that matter (> shows it):');
      const shown = lines.slice(at + 1, lines.indexOf('', at));
      assert.deepEqual(
        shown.map((line) => /^ {2}(.) #(\d+)/.exec(line)?.slice(1).join('')),
        ['>4', '>6', ' 8', ' 10'],
      );
    });

    it('without the form in which requests and answers are stored', () => {
      const kv = { key: 'x', value: '3-7', mod: 4, create: 4, version: 1 };
      const answer = { revision: 9, succeeded: true, results: [{ kvs: [kv], count: 3 }] };
      const words = tellOperation({ ...asked(6), output: answer });
      assert.match(words, /: get: get x — ok after 0\.90 ms: x = 3-7 \(written at revision 4\)/);
      assert.match(words, /3 in all, at revision 9$/);
      const nothing = { revision: 9, succeeded: true, results: [{ kvs: [] }] };
      assert.match(
        tellOperation({ ...asked(6), output: nothing }),
        /: nothing there, at revision 9/,
      );
      const request = { key: 'a', rangeEnd: 'b', startRevision: 5 };
      const watched = {
        ...asked(3),
        input: { request },
        output: { notices: [{ type: 'events' }] },
      };
      assert.match(
        tellOperation(watched),
        /watch of a to b, from revision 5 on — was answered 1 times/,
      );
    });

    it('by operations on one key, where there are such', () => {
      const apart: Anomaly = { name: 'stale read', what: 'Apart.', operations: [3, 6] };
      assert.match(textOf(verdict('replay', apart, stale)), /This was broken: Operation 6 read 3/);
      const search: Anomaly = { name: 'not linearizable', what: 'No order.', operations: [4, 6] };
      assert.match(textOf(verdict('wgl', search), verdict('replay', apart)), /broken: No order/);
      assert.match(textOf(verdict('wgl', search), verdict('replay', stale)), /broken: Operation 6/);
    });

    it('a member that ended: where and when, and the fault that was over by then', () => {
      const said: Anomaly = {
        name: 'failure in the log',
        what: 'n2 logged: the log is damaged',
        operations: [],
        members: ['n2'],
      };
      const text = textOf(verdict('members stay up', exit, said));
      assert.match(text, /The reason that it gave: n2 logged: the log is damaged/);
      assert.match(text, /A member runs until it is told to stop/);
      assert.match(text, /It happened at 9\.500 s at n2/);
      assert.match(text, /No fault was in place then; the last one had ended 2\.500 s before: cut/);
    });

    it('what several checkers say of one answer, once, and the earliest first', () => {
      const later: Anomaly = { name: 'stale read', what: 'Later.', operations: [8, 10] };
      const back: Anomaly = { name: 'store went back', what: 'Back.', operations: [2, 6] };
      const text = textOf(verdict('acknowledged', back), verdict('replay', later, stale));
      assert.match(text, /This was broken: Operation 6 read 3/);
      assert.match(text, /1\. replay: stale read, also found by acknowledged: store went back/);
      assert.match(text, /2\. replay: stale read\n/);
      assert.doesNotMatch(text, /\n3\. /);
    });

    it('how much of it there is, those counted that are not told', () => {
      const pairs = [
        [2, 3],
        [2, 5],
        [4, 6],
      ];
      const cases = pairs.map((operations) => ({ name: 'stale read', operations }));
      const counts = { 'anomaly: stale read': 3 };
      const many: Checker = {
        name: 'replay',
        check: () => ({ checker: 'replay', result: 'invalid', anomalies: [stale], cases, counts }),
      };
      const text = textOf(many);
      assert.match(text, /How much: 3 wrong answers at n1 and n3/);
      assert.match(
        text,
        /from 3\.000 s to 6\.000 s \(3 × stale read by replay; the first 1 of a kind/,
      );
      assert.match(text, /replay, 3 found, 1 of them told/);
    });

    it('bars that say what was asked', () => {
      const request = {
        compare: [{ key: 'r3', target: 'value', is: '=', to: '14-87' }],
        success: [{ op: 'put', key: 'r3', value: '12-58' }],
      };
      assert.equal(labelOf({ ...asked(1), input: request }), 'cas r3 14-87->12-58');
      assert.equal(labelOf(asked(2)), 'get x');
    });

    it('a line on what clients and the nemesis do, and the words in the end', () => {
      const text = textOf(verdict('replay', stale));
      assert.match(text, /The workload register: clients read/);
      assert.match(text, /The nemesis mix, which does harm while clients work: faults of kill/);
      assert.match(text, /\nWords:\n {2}#845: an operation/);
      assert.deepEqual(
        workloads.filter(({ name }) => workloadAbout[name] === undefined),
        [],
      );
    });

    it('who led at that moment, in words and as a row of the picture', () => {
      const leaders = [{ member: 'n3', term: '2', startMs: 5_000, endMs: 7_000 }];
      const dated = { ...failing, startedAt: new Date(0).toISOString() };
      const judged = judge({ history: dated, ending: undefined }, [verdict('replay', stale)]);
      const facts = { ...noFacts, leaders };
      const text = verdictText(dated, judged, 'results/x', facts);
      assert.match(text, /the leader then, .*: n3 \(term 2, 5\.000 s to 7\.000 s\)\./);
      const html = timelinePage(dated, judged, 'results/x', facts);
      assert.match(html, />n3 leads<.*\n<rect class="bar led"[^>]+n3 leads in term 2/);
    });

    it('what to type', () => {
      const text = textOf(verdict('replay', stale));
      assert.match(text, /npm run jepsen -- --check results\/x\n/);
      const replayed = '--workload register --nemesis mix --time 30 --seed 9 --target etcd';
      assert.ok(text.includes(`npm run jepsen -- ${replayed}\n`));
    });

    it('the same on the page, with faults as bands, a legend and the way to the failure', () => {
      const judged = judge({ history: failing, ending: undefined }, [verdict('replay', stale)]);
      const html = timelinePage(failing, judged, 'results/x');
      const story = html.slice(html.indexOf('class="story"'), html.indexOf('What was judged'));
      for (const part of ['The store promises:', 'This was broken:', '--seed 9', '#a1']) {
        assert.ok(story.includes(part), part);
      }
      assert.match(html, /id="findings"/);
      assert.match(html, /class="band"[^>]+data-told="cut between n2/);
      assert.match(html, /a fault is in place/);
    });
  });
});
