import assert from 'node:assert/strict';
import type { CallDeadlines } from '../../src/grpc/call-deadlines.ts';
import { FastChannelCall } from '../../src/grpc/fast-channel-call.ts';
import type { LiveConnection } from '../../src/grpc/fast-channel-link.ts';
import { recordEvents } from './client-events.ts';

/** A call on a stream that has room or has not, as the test says. */
class OpenCall {
  hasRoom = true;
  drains = 0;
  readonly call: FastChannelCall;

  constructor() {
    const context = {
      deadlines: {} as CallDeadlines,
      headersTo: () => [],
      callOver: () => undefined,
    };
    this.call = new FastChannelCall(
      context,
      '/t.S/Stream',
      {},
      recordEvents({ onDrain: () => void this.drains++ }),
    );
    const stream = { write: () => this.hasRoom, writeSmall: () => this.hasRoom };
    const live = { address: '', http2: { open: () => stream }, callBegan: () => undefined };
    this.call.open(live as unknown as LiveConnection);
  }
}

describe('grpc: a caller who was told to wait', () => {
  it('is told when to go on, also if he has sent something meanwhile that found room', () => {
    const open = new OpenCall();
    open.hasRoom = false;
    assert.equal(open.call.send(new Uint8Array(100_000)), false);
    // Below the limit again, and not yet so far below that waiting owners are told: a ping is sent all the same.
    open.hasRoom = true;
    assert.equal(open.call.send(new Uint8Array(10)), false, 'he still has to wait');
    open.call.onDrain();
    assert.equal(open.drains, 1);
    assert.equal(open.call.send(new Uint8Array(10)), true);
  });

  it('is told nothing who was never told to wait', () => {
    const open = new OpenCall();
    open.call.send(new Uint8Array(10));
    open.call.onDrain();
    assert.equal(open.drains, 0);
  });
});
