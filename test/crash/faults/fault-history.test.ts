import assert from 'node:assert/strict';
import { seededRandom } from '../../../src/base/random.ts';
import { mixed } from '../campaign.ts';
import { FaultHistory, valueOf } from './fault-history.ts';
import type { FoundKey } from './fault-history.ts';
import { drawPlan } from './plan.ts';

/** What is taken for a lie of a member whose disk failed, and what is not. */
describe('The history of writes to a failing disk', () => {
  const found = (key: string, modRevision: number): FoundKey => ({
    key,
    value: valueOf(key),
    modRevision,
  });

  it('holds a member to what it acknowledged, and leaves open what came to no known end', () => {
    const history = new FaultHistory();
    const [kept, open] = [history.begin(100), history.begin(0)];
    history.acknowledge(kept, 2);
    history.check([found(kept, 2)]);
    history.check([found(kept, 2), found(open, 3)]);
    assert.throws(() => history.check([found(open, 3)]), /write-000001-100 .* is gone/);
    assert.throws(() => history.check([found(kept, 3)]), /acknowledged at 2, and is at 3/);
  });

  it('finds what was refused, what nobody wrote, and other values', () => {
    const history = new FaultHistory();
    const refused = history.begin(10);
    history.refuse(refused);
    assert.throws(() => history.check([found(refused, 2)]), /was refused/);
    assert.throws(() => history.check([found('write-000009-5', 2)]), /nobody wrote/);
    const key = history.begin(40);
    assert.throws(() => history.check([{ ...found(key, 2), value: '' }]), /another value/);
  });
});

describe('The plan of a failing disk', () => {
  const plans = Array.from({ length: 400 }, (_, seed) => drawPlan(seededRandom(mixed(1, seed))));

  it('is the same for the same seed, and different ones have all kinds of failures', () => {
    assert.deepEqual(drawPlan(seededRandom(mixed(1, 7))), plans[7]);
    const texts = plans.flatMap(({ rules }) => rules.map(({ text }) => text)).join('\n');
    for (const op of ['write', 'syncfile', 'syncfolder', 'open', 'rename', 'space']) {
      assert.match(texts, new RegExp(`^${op} `, 'm'));
    }
    for (const action of ['EIO', 'ENOSPC', 'EMFILE', 'short', 'delay', 'free']) {
      assert.match(texts, new RegExp(` ${action}\\b`, 'm'));
    }
  });

  it('demands an end only of who could not write, or sync, what it acknowledges', () => {
    for (const { text, mustEnd, isError } of plans.flatMap(({ rules }) => rules)) {
      if (!mustEnd) continue;
      assert.ok(isError);
      assert.match(text, /^(write|syncfile) (log-\*\.log|store-\*\.log|witness-\*) (EIO|ENOSPC)/);
    }
  });
});
