import assert from 'node:assert/strict';
import { systemScheduler } from '../../src/host/scheduler.ts';

describe('the process scheduler', () => {
  it('waits for what is further off than the timers of Node reach, rather than not at all', async () => {
    let fired = 0;
    const timer = systemScheduler.after(2 ** 31 + 1000, () => fired++);
    await new Promise((resolve) => setTimeout(resolve, 30));
    timer.cancel();
    assert.equal(fired, 0);
  });

  it('calls back once, and not at all when it was cancelled', async () => {
    let fired = 0;
    systemScheduler.after(1, () => fired++);
    systemScheduler.after(1, () => fired++).cancel();
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(fired, 1);
  });
});
