import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { holdPorts } from './ports.ts';

describe('jepsen-lite: ports of the members', () => {
  it('are held from other runs although nobody listens on them', async () => {
    const first = await holdPorts(12);
    const [base = 0] = first.ports;
    const second = await holdPorts(12, base - 1);
    assert.ok(second.ports.every((port) => !first.ports.includes(port)));
    first.release();
    second.release();
  });

  it('are others for the next test of the same run, which late calls of this one do not reach', async () => {
    const first = await holdPorts(12);
    first.release();
    const second = await holdPorts(12);
    second.release();
    assert.ok(second.ports.every((port) => !first.ports.includes(port)));
  });

  it('leave out a block in which somebody listens', async () => {
    const free = await holdPorts(12);
    free.release();
    const [base = 0] = free.ports;
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(base + 3, '127.0.0.1', resolve));
    const held = await holdPorts(12, base - 1);
    assert.ok(!held.ports.includes(base + 3));
    held.release();
    other.close();
  });

  it('are refused, and not taken from the end, where there are none left', async () => {
    await assert.rejects(holdPorts(12, 65_520), /free ports/);
  });
});
