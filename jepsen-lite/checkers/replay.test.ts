import assert from 'node:assert/strict';
import type { History, Operation, Verdict } from '../types.ts';
import { HistoryBuilder, withOperation, withRead, withRevision } from './history-builder.ts';
import { replay } from './replay.ts';

function mustFind(history: History, name: string, ...operations: readonly number[]): Verdict {
  const verdict = replay.check(history);
  assert.equal(verdict.result, 'invalid');
  const anomaly = verdict.anomalies.find((each) => each.name === name);
  assert.ok(anomaly, `${name} is not among ${verdict.anomalies.map((each) => each.name).join()}`);
  for (const index of operations) assert.ok(anomaly.operations.includes(index), anomaly.what);
  return verdict;
}

function mustAccept(history: History): Verdict {
  const verdict = replay.check(history);
  assert.deepEqual([verdict.result, verdict.anomalies], ['valid', []]);
  return verdict;
}

describe('replay by revision', () => {
  it('accepts puts, deletes, transactions and ranges as a store does them', () => {
    const run = new HistoryBuilder().busy();
    run.txn({ op: 'put', key: 'a', value: '1' }, { op: 'put', key: 'b', value: '2' });
    run.ask({
      compare: [{ key: 'a', target: 'version', is: '>', to: 5 }],
      success: [{ op: 'put', key: 'a', value: '3' }],
      failure: [{ op: 'get', key: 'a', end: 'c' }],
    });
    run.delete('a');
    run.delete('a');
    run.ask({ success: [{ op: 'get', key: 'a', end: 'z', limit: 1 }] });
    mustAccept(run.history());
  });

  it('accepts a read of the past, and an old one of a single member', () => {
    const run = new HistoryBuilder().busy();
    const old = run.put('a', '1');
    run.put('a', '2');
    const past = run.get('a');
    const revision = run.revision - 1;
    const kvs = [{ key: 'a', value: '1', mod: revision, create: revision, version: 1 }];
    run.add(
      'get',
      { success: [{ op: 'get', key: 'a' }], serializable: true },
      { revision, succeeded: true, results: [{ kvs }] },
    );
    run.add(
      'get',
      { success: [{ op: 'get', key: 'a', revision }] },
      { revision: run.revision, succeeded: true, results: [{ kvs }] },
    );
    assert.notEqual(old.index, past.index);
    mustAccept(run.history());
  });

  it('finds out which writes in doubt happened, and lets the others be', () => {
    const run = new HistoryBuilder().busy();
    run.put('a', '1', { outcome: 'info' });
    run.lose({ success: [{ op: 'put', key: 'a', value: '2' }] });
    run.delete('a', { outcome: 'info' });
    assert.equal(mustAccept(run.history()).counts['resolved'], 2);
  });

  it('says unknown of a run in which hardly anything was answered', () => {
    const run = new HistoryBuilder();
    run.put('a', '1');
    run.get('a');
    assert.equal(replay.check(run.history()).result, 'unknown');
  });

  it('says unknown where there is no archive', () => {
    const run = new HistoryBuilder().busy();
    const history = run.history();
    const operations = history.operations.filter(({ f }) => f !== 'archive');
    assert.equal(replay.check({ ...history, operations }).result, 'unknown');
  });

  it('finds a lost write: acknowledged, and nothing happened', () => {
    const run = new HistoryBuilder().busy();
    const lost = run.put('a', '1');
    run.put('b', '1');
    const without = run.events.filter(({ key }) => key !== 'a');
    mustFind(run.history(without), 'lost write', lost.index);
  });

  it('finds a write that became another one', () => {
    const run = new HistoryBuilder().busy();
    const lost = run.put('a', '1');
    const history = withOperation(run.history(), lost.index, (operation) => ({
      ...operation,
      input: { success: [{ op: 'put', key: 'a', value: '2' }] },
    }));
    mustFind(history, 'lost write', lost.index);
  });

  it('finds half a transaction', () => {
    const run = new HistoryBuilder().busy();
    const half = run.txn({ op: 'put', key: 'a', value: '1' }, { op: 'put', key: 'b', value: '1' });
    const without = run.events.filter(({ key }) => key !== 'b');
    mustFind(run.history(without), 'lost write', half.index);
  });

  it('finds a read of what is not there, of a wrong version, and of nothing', () => {
    const run = new HistoryBuilder().busy();
    run.put('a', '1');
    const read = run.get('a');
    const history = run.history();
    const wrong = [
      withOperation(history, read.index, (each) => withRead(each, (kv) => ({ ...kv, value: 'x' }))),
      withOperation(history, read.index, (each) => withRead(each, (kv) => ({ ...kv, version: 2 }))),
      withOperation(history, read.index, (each) => withRead(each, () => undefined)),
    ];
    for (const each of wrong) mustFind(each, 'wrong read', read.index);
  });

  it('finds a stale read: right of its revision, but that was over', () => {
    const run = new HistoryBuilder().busy();
    run.put('a', '1');
    const first = run.get('a');
    const write = run.put('a', '2');
    const stale = run.get('a');
    const history = withOperation(run.history(), stale.index, (operation) => ({
      ...operation,
      output: first.output,
    }));
    mustFind(history, 'stale read', write.index, stale.index);
  });

  it('finds a write that went into the past', () => {
    const run = new HistoryBuilder().busy();
    const [startUs, endUs] = [1_000, 1_001];
    const first = run.put('a', '1', { startUs: 2_000, endUs: 2_001 });
    const second = run.put('a', '2', { startUs, endUs });
    mustFind(run.history(), 'write into the past', first.index, second.index);
  });

  it('finds a revision that was given twice', () => {
    const run = new HistoryBuilder().busy();
    const first = run.put('a', '1');
    const second = run.put('b', '1');
    const history = withOperation(run.history(), second.index, (operation) =>
      withRevision(operation, run.revision - 1),
    );
    mustFind(history, 'revision reused', first.index, second.index);
  });

  it('knows the author of a deletion of many keys in doubt, and misses none in one of others', () => {
    const all = { success: [{ op: 'delete', key: 'a', end: 'c' }] } as const;
    const run = new HistoryBuilder().busy();
    run.put('a1', '1');
    run.put('b1', '1');
    run.ask(all, { outcome: 'info' });
    assert.equal(replay.check(run.history()).result, 'valid');
    const other = new HistoryBuilder().busy();
    other.put('a1', '1');
    other.put('d1', '1');
    other.lose(all);
    const lost = other.history();
    const events = [
      ...other.events,
      { type: 'delete' as const, key: 'd1', mod: other.revision + 1 },
    ];
    assert.equal(replay.check(lost).result, 'valid');
    assert.equal(replay.check(other.history(events)).result, 'invalid');
  });

  it('holds counts, keys alone and previous values against what there was', () => {
    const run = new HistoryBuilder().busy();
    run.put('a1', '1');
    run.put('a2', '2');
    const range = { op: 'get', key: 'a', end: 'b', limit: 1, counts: true } as const;
    const counted = run.ask({ success: [range] });
    const keys = run.ask({ success: [{ op: 'get', key: 'a', end: 'b', only: 'keys' }] });
    const put = run.ask({ success: [{ op: 'put', key: 'a1', value: '3', prevKv: true }] });
    const gone = run.ask({ success: [{ op: 'delete', key: 'a', end: 'b', prevKv: true }] });
    const history = run.history();
    assert.equal(replay.check(history).result, 'valid');
    const lies: readonly (readonly [number, string, RegExp, string])[] = [
      [counted.index, 'wrong read', /"count":2/, '"count":3'],
      [keys.index, 'wrong read', /"value":""/, '"value":"1"'],
      [put.index, 'wrong answer of a write', /"value":"1"/, '"value":"2"'],
      [gone.index, 'wrong answer of a write', /"value":"3"/, '"value":"1"'],
    ];
    for (const [index, name, from, to] of lies) {
      const lied = withOperation(history, index, (operation) => ({
        ...operation,
        output: JSON.parse(JSON.stringify(operation.output).replace(from, to)) as never,
      }));
      mustFind(lied, name, index);
    }
  });

  it('finds a write applied twice, whether it was acknowledged or in doubt', () => {
    for (const outcome of ['ok', 'info'] as const) {
      const run = new HistoryBuilder().busy();
      const twice = run.put('a', '1', { outcome });
      run.execute({ success: [{ op: 'put', key: 'a', value: '1' }] });
      mustFind(run.history(), 'write applied twice', twice.index);
    }
  });

  it('finds a write that was told to have failed and happened', () => {
    const run = new HistoryBuilder().busy();
    const failed = run.put('a', '1', { outcome: 'fail' });
    run.execute({ success: [{ op: 'put', key: 'a', value: '1' }] });
    mustFind(run.history(), 'failed write happened', failed.index);
  });

  it('finds a write that nobody asked for', () => {
    const run = new HistoryBuilder().busy();
    run.execute({ success: [{ op: 'put', key: 'a', value: '1' }] });
    mustFind(run.history(), 'write of nobody');
    const other = new HistoryBuilder().busy();
    other.execute({ success: [{ op: 'delete', key: 'busy' }] });
    mustFind(other.history(), 'write of nobody');
  });

  it('takes no delete for the author of one that happened before it began', () => {
    const run = new HistoryBuilder().busy();
    run.execute({ success: [{ op: 'delete', key: 'busy' }] });
    run.get('busy');
    run.lose({ success: [{ op: 'delete', key: 'busy' }] });
    mustFind(run.history(), 'write of nobody');
  });

  it('finds a transaction in doubt that happened although its comparison does not hold', () => {
    const run = new HistoryBuilder().busy();
    const cas = run.lose({
      compare: [{ key: 'a', target: 'value', is: '=', to: 'x' }],
      success: [{ op: 'put', key: 'a', value: '1' }],
    });
    run.execute({ success: [{ op: 'put', key: 'a', value: '1' }] });
    mustFind(run.history(), 'wrong effect', cas.index);
  });

  it('puts a revision together that an archive tells of in two notes', () => {
    const run = new HistoryBuilder().busy();
    run.txn({ op: 'put', key: 'a', value: '1' }, { op: 'put', key: 'b', value: '1' });
    const history = run.history();
    const last = history.operations.length - 1;
    const parts = withOperation(history, last, (note) => ({
      ...note,
      output: { events: run.events.slice(-1), gaps: [], toldRevision: run.revision },
    }));
    const first = { ...history.operations[last], index: last + 1 } as Operation;
    const output = { events: run.events.slice(0, -1) };
    mustAccept({ ...parts, operations: [...parts.operations, { ...first, output }] });
  });

  it('finds members that tell different stories', () => {
    const run = new HistoryBuilder().busy();
    run.put('a', '1');
    const other = run.events.map((event) =>
      event.key === 'a' && event.type === 'put' ? { ...event, value: '2' } : event,
    );
    mustFind(run.history(run.events, other), 'members disagree');
    const less = run.events.filter(({ key }) => key !== 'a');
    mustFind(run.history(run.events, less), 'members disagree');
  });
});
