import assert from 'node:assert/strict';
import type { ArchivedEvent } from './events.ts';
import { HistoryBuilder } from './history-builder.ts';
import { lease } from './lease.ts';

const second = 1_000_000;

/** A dozen leases that lived and died as they should, and one more: number 99, of 2 s, granted at 100 s. */
class Run {
  readonly run = new HistoryBuilder();

  constructor() {
    for (let i = 1; i <= 12; i++) {
      const id = `${i}`;
      this.told('grant', i * second, { id, ttlSeconds: 2 });
      this.told('time-to-live', (i + 3) * second, { ttlSeconds: -1 }, id);
    }
    this.told('grant', 100 * second, { id: '99', ttlSeconds: 2 });
  }

  told(f: string, startUs: number, output: object, id?: string): number {
    const input = id === undefined ? { ttlSeconds: 2 } : { id };
    return this.run.add(f, input, output as never, { startUs, endUs: startUs + 1_000 }).index;
  }

  attach(key: string, id: string): void {
    const request = { success: [{ op: 'put' as const, key, value: key, lease: id }] };
    const output = this.run.execute(request);
    this.run.add('attach', request, output, { startUs: 100.1 * second });
  }

  /** The end of leases, which no client asks for. */
  end(...keys: readonly string[]): void {
    this.run.execute({ success: keys.map((key) => ({ op: 'delete' as const, key })) });
  }

  verdict(...archives: readonly (readonly ArchivedEvent[])[]) {
    return lease.check(this.run.history(...archives));
  }

  mustFind(name: string, ...operations: readonly number[]): void {
    const { anomalies, result } = this.verdict();
    const anomaly = anomalies.find((each) => each.name === name);
    assert.ok(anomaly !== undefined && result === 'invalid', JSON.stringify(anomalies));
    for (const index of operations) assert.ok(anomaly.operations.includes(index), anomaly.what);
  }
}

describe('leases', () => {
  it('finds one that is told to have more time than it can have, or less than was promised', () => {
    const long = new Run();
    const told = long.told('time-to-live', 100.5 * second, { ttlSeconds: 5 }, '99');
    long.mustFind('too long a lease', told);
    const short = new Run();
    short.told('keep-alive', 101 * second, { ttlSeconds: 2 }, '99');
    const left = short.told('time-to-live', 101.2 * second, { ttlSeconds: 0 }, '99');
    short.mustFind('less than was promised', left);
    const right = new Run();
    right.told('keep-alive', 101 * second, { ttlSeconds: 2 }, '99');
    right.told('time-to-live', 101.2 * second, { ttlSeconds: 1 }, '99');
    right.told('time-to-live', 102.5 * second, { ttlSeconds: 0 }, '99');
    assert.deepEqual(right.verdict().anomalies, []);
  });

  it('lets a lease take a key that its client detaches and deletes when it has ended already', () => {
    const run = new Run();
    run.attach('lease/99/0', '99');
    run.attach('lease/99/1', '99');
    run.end('lease/99/0', 'lease/99/1');
    for (const [f, request] of [
      ['detach', { success: [{ op: 'put', key: 'lease/99/0', value: 'x' }] }],
      ['delete', { success: [{ op: 'delete', key: 'lease/99/0' }] }],
    ] as const) {
      run.run.add(f, request, run.run.execute(request));
    }
    run.told('time-to-live', 130 * second, { ttlSeconds: -1 }, '99');
    assert.deepEqual(run.verdict().anomalies, []);
  });

  it('finds one that never ends', () => {
    const run = new Run();
    run.attach('lease/99/1', '99');
    const request = { success: [{ op: 'get' as const, key: 'lease/', end: 'lease0' }] };
    const read = run.run.add('last leases', request, run.run.execute(request));
    run.mustFind('lease never ended', read.index);
    run.end('lease/99/1');
    run.run.add('last leases', request, run.run.execute(request));
    assert.deepEqual(run.verdict().anomalies, []);
  });

  it('accepts those that end in time, late, or because they are revoked', () => {
    const run = new Run();
    run.attach('lease/99/1', '99');
    run.attach('lease/99/2', '99');
    run.told('keep-alive', 101 * second, { ttlSeconds: 2 }, '99');
    run.end('lease/99/1', 'lease/99/2');
    run.told('time-to-live', 103.5 * second, { ttlSeconds: -1 }, '99');
    run.told('grant', 110 * second, { id: '100', ttlSeconds: 9 });
    run.told('revoke', 111 * second, { revision: 1 }, '100');
    run.told('time-to-live', 112 * second, { ttlSeconds: -1 }, '100');
    const { result, anomalies } = run.verdict();
    assert.deepEqual([result, anomalies], ['valid', []]);
  });

  it('finds one that ends early, by time-to-live, keep-alive or its keys', () => {
    const byTtl = new Run();
    const seen = byTtl.told('time-to-live', 101.5 * second, { ttlSeconds: -1 }, '99');
    byTtl.mustFind('early expiry', seen);
    const byKeepAlive = new Run();
    byKeepAlive.told('keep-alive', 101.9 * second, { ttlSeconds: 0 }, '99');
    byKeepAlive.mustFind('early expiry');
    const byKeys = new Run();
    byKeys.attach('lease/99/1', '99');
    const request = { success: [{ op: 'get', key: 'lease/99/', end: 'lease/990' }] };
    const output = { revision: 9, succeeded: true, results: [{ kvs: [] }] };
    byKeys.run.add('read', request, output, { startUs: 101 * second });
    byKeys.mustFind('early expiry');
  });

  it('finds one that ends early after a keep-alive that was acknowledged', () => {
    const run = new Run();
    const kept = run.told('keep-alive', 101.5 * second, { ttlSeconds: 2 }, '99');
    run.told('time-to-live', 103 * second, { ttlSeconds: -1 }, '99');
    run.mustFind('early expiry', kept);
  });

  it('finds one that comes back', () => {
    const run = new Run();
    run.told('time-to-live', 103 * second, { ttlSeconds: -1 }, '99');
    const kept = run.told('keep-alive', 104 * second, { ttlSeconds: 2 }, '99');
    run.mustFind('lease came back', kept);
  });

  it('finds an id that is given twice', () => {
    const run = new Run();
    run.told('grant', 105 * second, { id: '99', ttlSeconds: 2 });
    run.mustFind('lease id reused');
  });

  it('finds an end that leaves a key, and one that takes its keys one by one', () => {
    const run = new Run();
    run.attach('lease/99/1', '99');
    run.attach('lease/99/2', '99');
    run.end('lease/99/1');
    run.mustFind('keys of a lease');
    run.end('lease/99/2');
    run.mustFind('keys of a lease');
  });

  it('says unknown of hardly anything', () => {
    assert.equal(lease.check(new HistoryBuilder().history()).result, 'unknown');
  });
});
