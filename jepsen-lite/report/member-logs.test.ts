import assert from 'node:assert/strict';
import type { History } from '../types.ts';
import { describeLed, describeRun, ledOf } from './leaders.ts';
import { factsOf } from './member-logs.ts';

const at = (second: string): string => `2026-11-23T07:49:${second}00Z`;
const line = (second: string, fields: object): string =>
  JSON.stringify({ level: 'info', ts: at(second), ...fields });

const known = (second: string, state: string, term: number): string =>
  line(second, { msg: 'a leader is known', lead: 'a', state, term });

const versions = { 'etcd-version': '3.7.3', 'quorate-version': '0.1.0', 'node-version': 'v20' };

const n1 = [
  line('00.1', { msg: 'Running: ', args: ['quorate server', '--name=n1'] }),
  line('00.2', { msg: 'starting a member', ...versions }),
  line('00.3', { msg: 'member started', 'local-member-id': 'e6af' }),
  known('01.0', 'leader', 2),
  line('02.0', { msg: 'lost the leader', lead: '0', state: 'follower', term: 3 }),
  known('03.0', 'follower', 3),
  '{"level":"info","ts":"2026-11-2',
  known('04.0', 'leader', 4),
  '',
  '--- killed by the test (SIGKILL) at 2026-11-23T07:49:05.000Z ---',
  line('06.0', { msg: 'starting a member', ...versions }),
];
const n2 = [
  line('00.3', { msg: 'starting local member', 'local-member-id': '2f62' }),
  line('01.5', { msg: '2f62 became leader at term 3' }),
  line('02.5', { msg: '2f62 became follower at term 4' }),
  line('06.0', { msg: '2f62 became leader at term 5' }),
];

const undated: History = {
  workload: 'w',
  nemesis: 'kill',
  seed: 1,
  target: 'quorate',
  operations: [],
  events: [],
};
const history: History = { ...undated, startedAt: '2026-11-23T07:49:00.000Z' };

describe("jepsen-lite: what the members' logs tell of a run", () => {
  const facts = factsOf([
    { member: 'n1', text: n1.join('\n') },
    { member: 'n2', text: n2.join('\n') },
  ]);

  it('who led when, of both programs, until it lost its term, was killed or the run ended', () => {
    assert.deepEqual(
      ledOf(history, facts).map((each) => [each.member, each.term, each.startUs, each.endUs]),
      [
        ['n1', '2', 1e6, 2e6],
        ['n2', '3', 1.5e6, 2.5e6],
        ['n1', '4', 4e6, 5e6],
        ['n2', '5', 6e6, Number.POSITIVE_INFINITY],
      ],
    );
  });

  it('two who take themselves for the leader at a time, and nobody', () => {
    const led = ledOf(history, facts);
    assert.match(
      describeLed(led, 1.6e6, 1.7e6) ?? '',
      /n1 \(term 2, 1\.000 s to 2\.000 s\) and n2 \(term 3/,
    );
    assert.match(describeLed(led, 3e6, 3.5e6) ?? '', /Nobody led then/);
    assert.equal(describeLed([], 3e6, 3.5e6), undefined);
  });

  it('the beginning, the program, its flags and the ids that logs use', () => {
    const told = describeRun(history, facts).join('\n');
    assert.match(told, /^The test began 2026-11-23T07:49:00\.000Z \(UTC\), which is 0\.000 s/);
    assert.match(told, /Program: quorate 0\.1\.0 \(as etcd 3\.7\.3\), Node v20\./);
    assert.match(told, /quorate server --name=n1/);
    assert.match(told, /n1 = e6af; n2 = 2f62/);
    assert.match(told, /n1, term 4: 4\.000 s to 5\.000 s, UTC 07:49:04\.000 to 07:49:05\.000/);
  });

  it('without the start of the test, times by the clocks of the members alone', () => {
    assert.deepEqual(ledOf(undated, facts), []);
    assert.match(describeRun(undated, facts).join('\n'), /n1, term 2: UTC 07:49:01\.000 to/);
  });
});
