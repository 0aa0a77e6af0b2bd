import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/base/random.ts';
import { CallDeadlines, type Timed } from '../../src/grpc/call-deadlines.ts';
import { until } from './fixture.ts';

class Call implements Timed {
  dueMs = 0;
  slot = -1;
  previousTimed: Timed | undefined;
  nextTimed: Timed | undefined;
  toldMs: number | undefined;
  told = 0;

  onDue(): void {
    this.told++;
    this.toldMs = performance.now();
  }
}

describe('grpc: deadlines', () => {
  it('are told once, not early and hardly late', async () => {
    const deadlines = new CallDeadlines();
    const random = seededRandom(5);
    const calls = Array.from({ length: 2000 }, () => new Call());
    for (const call of calls) deadlines.add(call, random.below(300));
    await until('all are told', () => calls.every(({ told }) => told > 0));
    for (const { toldMs, dueMs, told } of calls) {
      assert.equal(told, 1);
      assert.ok((toldMs ?? 0) >= dueMs, 'early');
      assert.ok((toldMs ?? 0) - dueMs < 1000, `${(toldMs ?? 0) - dueMs} ms late`);
    }
    assert.equal(deadlines.size, 0);
  });

  it('are forgotten with the calls that end before them', async () => {
    const deadlines = new CallDeadlines();
    const calls = Array.from({ length: 100 }, () => new Call());
    for (const call of calls) deadlines.add(call, 40);
    for (const [i, call] of calls.entries()) if (i % 3 !== 0) deadlines.remove(call);
    for (const [i, call] of calls.entries()) if (i % 3 === 1) deadlines.remove(call);
    assert.equal(deadlines.size, 34);
    await sleep(120);
    assert.deepEqual(
      calls.map(({ told }) => told),
      calls.map((_, i) => (i % 3 === 0 ? 1 : 0)),
    );
  });

  it('may end one another', async () => {
    const deadlines = new CallDeadlines();
    const [first, second] = [new Call(), new Call()];
    first.onDue = () => {
      deadlines.remove(second);
      deadlines.add(first, 10_000);
    };
    deadlines.add(first, 10);
    deadlines.add(second, 200);
    await sleep(300);
    assert.equal(second.told, 0);
    assert.equal(deadlines.size, 1);
    deadlines.remove(first);
    assert.equal(deadlines.size, 0);
  });

  it('of more than a turn of the wheel stay for the turns that they need', async () => {
    let nowMs = 0;
    const deadlines = new CallDeadlines(() => nowMs);
    const [near, far] = [new Call(), new Call()];
    deadlines.add(near, 20);
    deadlines.add(far, 60_000);
    nowMs = 59_990;
    await until('the near one is told', () => near.told === 1);
    assert.equal(far.told, 0);
    nowMs = 60_020;
    await until('the far one is told', () => far.told === 1);
  });
});
