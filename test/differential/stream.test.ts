import assert from 'node:assert/strict';
import { OperationStream } from './stream.ts';
import { World } from './world.ts';

const ok = { ok: true, message: {}, raw: new Uint8Array(), messages: 1 } as const;

describe('the stream of operations of the differential', () => {
  it('sends nothing on a watch stream whose client has half-closed it', () => {
    let halfClosed = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const world = new World();
      const operations = new OperationStream(seed, world);
      const closed = new Set<number>();
      for (let i = 0; i < 2_000; i++) {
        const [operation] = operations.nextGroup(1);
        assert.ok(operation);
        if (operation.kind === 'watch' && closed.has(operation.stream)) {
          assert.equal(operation.action.type, 'close', `seed ${seed}, operation ${i}`);
        }
        if (operation.kind === 'watch' && operation.action.type === 'halfClose') {
          closed.add(operation.stream);
          halfClosed++;
        }
        world.learn(operation, ok);
      }
    }
    assert.ok(halfClosed > 10);
  });
});
