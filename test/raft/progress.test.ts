import assert from 'node:assert/strict';
import { Inflights } from '../../src/raft/inflights.ts';
import { Progress } from '../../src/raft/progress.ts';

function progress(next: number): Progress {
  return new Progress(2n, next, new Inflights(3, 100), false);
}

describe('a window of messages in flight', () => {
  it('is full at so many messages, and frees those that are acknowledged', () => {
    const window = new Inflights(3, 1_000_000);
    for (const index of [4, 5, 9]) window.add(index, 10);
    assert(window.isFull);
    window.freeTo(5);
    assert.equal(window.count, 1);
    for (const index of [10, 11]) window.add(index, 10);
    assert(window.isFull);
    window.freeTo(11);
    assert.equal(window.count, 0);
  });

  it('is full at so many bytes, with the message that crosses the limit let through', () => {
    const window = new Inflights(100, 50);
    window.add(1, 49);
    assert(!window.isFull);
    window.add(2, 1000);
    assert(window.isFull);
    assert.throws(() => window.add(3, 1), /full/);
    window.freeTo(2);
    assert(!window.isFull);
  });
});

describe('what a leader knows of a follower', () => {
  it('streams ahead in replicate, one message at a time in probe', () => {
    const peer = progress(5);
    peer.sent(1, 10, 4);
    assert(peer.isPaused);
    assert.equal(peer.next, 5, 'a probe does not run ahead');
    assert(peer.maybeUpdate(5));
    peer.becomeReplicate();
    for (let i = 0; i < 3; i++) {
      assert(!peer.isPaused);
      peer.sent(2, 10, 4);
    }
    assert.equal(peer.next, 12);
    assert(peer.isPaused, 'the window is full');
  });

  it('never lets match go back, whatever arrives late', () => {
    const peer = progress(5);
    assert(peer.maybeUpdate(7));
    assert(!peer.maybeUpdate(6));
    assert(!peer.maybeUpdate(7));
    assert.equal(peer.match, 7);
    peer.becomeReplicate();
    assert(!peer.maybeDecrease(7, 3), 'a rejection of what was acknowledged since is stale');
    assert.equal(peer.next, 8);
  });

  it('after a rejected probe tries where the logs may agree, never below match', () => {
    const peer = progress(20);
    assert(!peer.maybeDecrease(12, 3), 'not of the probe that is out');
    assert(peer.maybeDecrease(19, 7));
    assert.equal(peer.next, 8);
    assert(peer.maybeDecrease(7, 0));
    assert.equal(peer.next, 1);
  });

  it('goes on after a snapshot that arrived, and back to the start after one that did not', () => {
    const peer = progress(5);
    peer.maybeUpdate(3);
    peer.becomeSnapshot(40);
    assert(peer.isPaused);
    peer.becomeProbe();
    assert.equal(peer.next, 41);
    peer.becomeSnapshot(50);
    peer.pendingSnapshot = 0;
    peer.becomeProbe();
    assert.equal(peer.next, 4);
  });
});
