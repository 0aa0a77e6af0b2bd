import assert from 'node:assert/strict';
import type { Ending } from './ending.ts';
import { expectationOf } from './expectations.ts';
import { judge } from './judge.ts';
import type { Checker, History, Operation, Verdict } from './types.ts';

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
  events: [],
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
});
