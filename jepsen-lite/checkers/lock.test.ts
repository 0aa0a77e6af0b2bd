import assert from 'node:assert/strict';
import { HistoryBuilder } from './history-builder.ts';
import { lock } from './lock.ts';

class Run {
  readonly run = new HistoryBuilder();
  private count = 0;

  constructor() {
    this.run.put('fenced/counter', '0');
    for (let token = 1; token <= 12; token++) this.hold(token);
  }

  acquire(token: number): number {
    const input = { id: `${token}`, token };
    return this.run.add('acquire', input, { state: 'held', revision: token }).index;
  }

  write(token: number, count: number): number {
    const value = `${count} ${token} ${this.run.operations.length}`;
    const request = { success: [{ op: 'put' as const, key: 'fenced/counter', value }] };
    this.count = count;
    return this.run.add('fenced write', request, this.run.execute(request)).index;
  }

  release(token: number): void {
    this.run.add('release', { id: `${token}`, token }, { revision: 1 });
  }

  hold(token: number): void {
    this.acquire(token);
    this.write(token, this.count + 1);
    this.release(token);
  }

  mustFind(name: string, ...operations: readonly number[]): void {
    const { anomalies, result } = lock.check(this.run.history());
    const anomaly = anomalies.find((each) => each.name === name);
    assert.ok(anomaly !== undefined && result === 'invalid', JSON.stringify(anomalies));
    for (const index of operations) assert.ok(anomaly.operations.includes(index), anomaly.what);
  }
}

describe('a lock with fencing', () => {
  it('accepts one holder after the other, and two who believe in it while one of them is refused', () => {
    const run = new Run();
    run.acquire(20);
    run.acquire(21);
    run.write(21, 13);
    const refused = { success: [{ op: 'put', key: 'fenced/counter', value: '13 20 late' }] };
    run.run.add('fenced write', refused, { revision: 1, succeeded: false, results: [] });
    run.release(20);
    const { result, anomalies, counts } = lock.check(run.run.history());
    assert.deepEqual([result, anomalies], ['valid', []]);
    assert.equal(counts['two holders at once, without the token'], 1);
  });

  it('finds the write of an old holder behind that of a new one', () => {
    const run = new Run();
    const newer = run.write(21, 13);
    const older = run.write(20, 14);
    run.mustFind('fenced write of an old holder', newer, older);
  });

  it('finds an update that was lost under the lock', () => {
    const run = new Run();
    const first = run.write(20, 13);
    const second = run.write(21, 13);
    run.mustFind('lost update under the lock', first, second);
  });

  it('finds tokens that go back', () => {
    const run = new Run();
    const first = run.acquire(30);
    const second = run.acquire(29);
    run.mustFind('token went back', first, second);
  });

  it('finds an acknowledged write that is not there', () => {
    const run = new Run();
    const request = { success: [{ op: 'put', key: 'fenced/counter', value: '13 20 x' }] };
    const lost = run.run.add('fenced write', request, {
      revision: 99,
      succeeded: true,
      results: [{}],
    });
    run.mustFind('lost write', lost.index);
  });

  describe('of the members themselves', () => {
    /** Asked, told that it is held, and the token read; then counted up and given back. */
    function locked(run: Run, token: number, count: number): number {
      const input = { id: `${token}`, name: 'lock' };
      const told = run.run.add('lock', input, { key: `lock/${token}` });
      run.run.add('token', { id: `${token}` }, { token, revision: token });
      run.write(token, count);
      run.run.add('unlock', { id: `${token}` }, { revision: token });
      return told.index;
    }

    it('counts a lock as held from its answer on, with the token that was read behind it', () => {
      const run = new Run();
      locked(run, 20, 13);
      locked(run, 21, 14);
      const { result, anomalies, counts } = lock.check(run.run.history());
      assert.deepEqual([result, anomalies, counts['times held']], ['valid', [], 14]);
    });

    it('finds a lock that is granted while another one holds it', () => {
      const run = new Run();
      const first = locked(run, 21, 13);
      const second = locked(run, 20, 13);
      run.mustFind('token went back', first, second);
      run.mustFind('lost update under the lock');
      run.mustFind('fenced write of an old holder');
    });

    it('finds a leader who is told of behind a later one, and words that nobody has said', () => {
      const run = new Run();
      run.run.add('campaign', { id: '20', value: 'a' }, { key: 'election/20', token: 20 });
      const later = run.run.add('leader', {}, { token: 20, value: 'a', lease: '20' }).index;
      run.run.add('campaign', { id: '21', value: 'b' }, { key: 'election/21', token: 21 });
      assert.deepEqual(lock.check(run.run.history()).anomalies, []);
      const older = run.run.add('leader', {}, { token: 20, value: 'a', lease: '20' }).index;
      run.mustFind('leader went back', older);
      const wrong = run.run.add('leader', {}, { token: 21, value: 'a', lease: '21' }).index;
      run.mustFind('wrong leader', wrong);
      assert.ok(later < older);
    });
  });
});
