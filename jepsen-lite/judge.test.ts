import assert from 'node:assert/strict';
import { judgeEnding, type Ending } from './ending.ts';
import { expectationOf } from './expectations.ts';
import { judge, slownessIn } from './judge.ts';
import { nothing, summed } from './terminal.ts';
import type { Checker, History, NemesisEvent, Operation, Verdict } from './types.ts';

const ending: Ending = {
  exits: [],
  alarms: [],
  absent: [],
  recoveredMs: 800,
  waitedForCoreMs: 0,
  hashes: ['n1', 'n2', 'n3'].map((member) => ({
    member,
    revision: '9',
    compactRevision: '-1',
    hash: '77',
  })),
};

function operation(index: number): Operation {
  const asked = { index, process: 0, member: 'n1', f: 'read', input: null, startUs: index };
  return { ...asked, endUs: index + 1, outcome: 'ok', output: null };
}

const history: History = {
  workload: 'register',
  nemesis: 'kill',
  seed: 1,
  target: 'quorate',
  operations: Array.from({ length: 20 }, (_, i) => operation(i)),
  events: [{ startUs: 0, endUs: 5, what: 'kill -9 of n1', members: ['n1'] }],
};

function checker(result: Verdict['result']): Checker {
  return { name: 'c', check: () => ({ checker: 'c', result, anomalies: [], counts: {} }) };
}

function wrongIn(change: Partial<Ending>): readonly string[] {
  const { verdicts } = judge({ history, ending: { ...ending, ...change } }, []);
  return verdicts.flatMap(({ anomalies }) => anomalies.map(({ name }) => name));
}

describe('jepsen-lite: how a run is judged', () => {
  it('passes when nothing is wrong', () => {
    assert.equal(judge({ history, ending }, [checker('valid')]).result, 'passed');
  });

  it('fails when a checker says so, and is unknown when one gave up', () => {
    assert.equal(
      judge({ history, ending }, [checker('invalid'), checker('unknown')]).result,
      'failed',
    );
    assert.equal(
      judge({ history, ending }, [checker('valid'), checker('unknown')]).result,
      'unknown',
    );
  });

  it('is no pass when hardly a client got through, or the run was cut off', () => {
    const quiet = { ...history, operations: history.operations.slice(0, 3) };
    assert.equal(judge({ history: quiet, ending }, []).result, 'unknown');
    assert.equal(judge({ history, ending: undefined }, []).result, 'unknown');
  });

  it('fails on a member that ended by itself, or told of a broken invariant', () => {
    const exit = { member: 'n2', code: null, signal: 'SIGSEGV', atUs: 5 };
    assert.deepEqual(wrongIn({ exits: [exit] }), ['unexpected exit']);
    assert.deepEqual(wrongIn({ alarms: [{ member: 'n1', line: 'x' }] }), ['failure in the log']);
  });

  it('fails on a service that comes back late, or never', () => {
    assert.deepEqual(wrongIn({ recoveredMs: 5_001 }), ['late service']);
    assert.deepEqual(wrongIn({ absent: [{ member: 'n1', reason: 'x' }] }), ['no service']);
  });

  it('does not hold against the store that the machine had no core for it', () => {
    assert.deepEqual(wrongIn({ recoveredMs: 7_000, waitedForCoreMs: 2_500 }), []);
    assert.deepEqual(wrongIn({ recoveredMs: 7_000, waitedForCoreMs: 1_500 }), ['late service']);
  });

  it('does not hold against the store that the disk of the machine was busy', () => {
    assert.deepEqual(wrongIn({ recoveredMs: 7_000, waitedForDiskMs: 2_500 }), []);
    assert.deepEqual(wrongIn({ recoveredMs: 7_000, waitedForDiskMs: 1_500 }), ['late service']);
  });

  const [fault] = history.events as readonly [NemesisEvent];
  const back = { recoveredMs: 900, waitedForCoreMs: 0, absent: [] };

  it('demands service after each fault after which it was watched', () => {
    const after = (service: NemesisEvent['service']): readonly string[] => {
      const events = [service === undefined ? fault : { ...fault, service }];
      const { verdicts } = judge({ history: { ...history, events }, ending }, []);
      return verdicts.flatMap(({ anomalies }) => anomalies.map(({ what }) => what));
    };
    assert.deepEqual(after(undefined), []);
    assert.deepEqual(after(back), []);
    assert.match(after({ ...back, recoveredMs: 6_000 })[0] ?? '', /6000 ms after "kill -9 of n1"/);
    const silent = { ...back, recoveredMs: undefined, absent: [{ member: 'n2', reason: 'x' }] };
    assert.match(after(silent)[0] ?? '', /n2 did not serve again after "kill -9 of n1": x/);
  });

  it('says nothing of a run whose nemesis did nothing, and why it did not', () => {
    const events = [{ ...fault, nothing: 'refused: no leader' }];
    const judgement = judge({ history: { ...history, events }, ending }, []);
    assert.equal(judgement.result, 'unknown');
    assert.ok(judgement.verdicts.some(({ note }) => /refused: no leader/.test(note ?? '')));
    assert.equal(judge({ history: { ...history, events: [] }, ending }, []).result, 'unknown');
    const one = { ...history, events: [...events, fault] };
    assert.equal(judge({ history: one, ending }, []).result, 'passed');
    const none = { ...history, nemesis: 'none', events: [] };
    assert.equal(judge({ history: none, ending }, []).result, 'passed');
  });

  it('is done once more where only limits of time were exceeded, and never where a promise was broken', () => {
    const late = judge({ history, ending: { ...ending, recoveredMs: 6_000 } }, []);
    assert.match(slownessIn(late) ?? '', /6000 ms after the world had healed/);
    const wrong: Checker = {
      name: 'c',
      check: () => ({
        ...checker('invalid').check(history),
        anomalies: [{ name: 'lost write', what: 'gone', operations: [] }],
      }),
    };
    assert.equal(slownessIn(judge({ history, ending }, [wrong])), undefined);
    const both = judge({ history, ending: { ...ending, recoveredMs: 6_000 } }, [wrong]);
    assert.equal(slownessIn(both), undefined);
    assert.equal(slownessIn(judge({ history, ending }, [])), undefined);
  });

  it('has limits twice as long in the second try, and says why there is one', () => {
    const second = { ...history, secondTry: { patience: 2, because: 'late service' } };
    const judged = judge({ history: second, ending: { ...ending, recoveredMs: 9_000 } }, []);
    assert.equal(judged.result, 'passed');
    assert.ok(judged.verdicts.some(({ note }) => /late service/.test(note ?? '')));
    const late = judge({ history: second, ending: { ...ending, recoveredMs: 11_000 } }, []);
    assert.equal(late.result, 'failed');
  });

  it('a matrix with a cell of which nobody knows does not end with 0', () => {
    assert.equal(summed({ ...nothing, passed: 5 }), 0);
    assert.equal(summed({ ...nothing, passed: 5, unknown: 1 }), 1);
    assert.equal(summed({ ...nothing, passed: 5, failed: 1 }), 1);
    assert.equal(summed({ ...nothing, passed: 5, broken: 1 }), 2);
  });

  it('does not compare hashes of different compactions, nor takes that for a pass', () => {
    const [first, ...rest] = ending.hashes;
    assert.ok(first !== undefined);
    const hashes = [{ ...first, compactRevision: '5', hash: '78' }, ...rest];
    assert.deepEqual(wrongIn({ hashes }), []);
    assert.equal(judge({ history, ending: { ...ending, hashes } }, []).result, 'unknown');
  });

  it('says where members agree about less than clients were told', () => {
    const told = judgeEnding(ending, [], 1, 1_000).find(
      ({ checker }) => checker === 'members agree',
    );
    assert.match(
      told?.note ?? '',
      /less than clients were told: .* revision 1000 was acknowledged/,
    );
    const most = Number(ending.hashes[0]?.revision);
    const all = judgeEnding(ending, [], 1, most).find(({ checker }) => checker === 'members agree');
    assert.equal(all?.note, undefined);
  });

  it('fails on members that differ in hash or revision', () => {
    const [first, ...rest] = ending.hashes;
    assert.ok(first !== undefined);
    assert.deepEqual(wrongIn({ hashes: [{ ...first, hash: '78' }, ...rest] }), ['members differ']);
    assert.deepEqual(wrongIn({ hashes: [{ ...first, revision: '8' }, ...rest] }), [
      'members differ',
    ]);
  });

  it('what is known to go wrong is told apart, for that checker, workload and nemesis alone', () => {
    const known = [{ workload: 'register', checker: 'c', why: 'by design' }];
    const verdict = checker('invalid').check(history);
    assert.equal(expectationOf(history, verdict, known)?.why, 'by design');
    assert.equal(expectationOf(history, { ...verdict, checker: 'd' }, known), undefined);
    assert.equal(expectationOf({ ...history, workload: 'set' }, verdict, known), undefined);
    assert.equal(expectationOf(history, { ...verdict, result: 'valid' }, known), undefined);
  });

  it('what is known of a real etcd excuses that alone, and nobody else', () => {
    const early = { name: 'early expiry', what: 'Lease 7 ended early.', operations: [] };
    const other = { name: 'lease came back', what: 'Lease 7 came back.', operations: [] };
    const lease = { ...checker('invalid').check(history), checker: 'lease' };
    const run = { ...history, workload: 'lease', target: 'etcd' as const };
    const found = { ...lease, anomalies: [early] };
    assert.match(expectationOf(run, found)?.why ?? '', /etcd issue 15247/);
    assert.equal(expectationOf({ ...run, target: 'quorate' }, found), undefined);
    assert.equal(expectationOf(run, { ...lease, anomalies: [early, other] }), undefined);
  });
});
