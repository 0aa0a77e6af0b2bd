import assert from 'node:assert/strict';
import { grpcCaller, handlersCaller, type Caller } from './caller.ts';
import { scenarios } from './golden/scenarios.ts';
import { comparable, loadTranscript } from './golden/transcript.ts';
import { MachineMember } from './machine-member.ts';
import { servicesOf } from './services.ts';

/**
 * What etcd 3.7.3 answered is what this store answers: every header, key-value, count and error. In this process
 * by default, on the real state machine; with QUORATE_ENDPOINT=host:port at that server, which must be a fresh
 * member for each scenario (`--grep`).
 */
const endpoint = process.env['QUORATE_ENDPOINT'];

function openCaller(): Caller {
  if (endpoint !== undefined) return grpcCaller(endpoint);
  return handlersCaller(servicesOf(new MachineMember()).handlers);
}

describe('etcd answers', () => {
  for (const { name, steps } of scenarios) {
    it(`${name}: as recorded`, async () => {
      const recorded = loadTranscript(name);
      assert.equal(recorded.length, steps.length, 'the scenario has changed: record it again');
      const caller = openCaller();
      for (const { step, answer } of recorded) {
        const actual = await caller.call(step);
        assert.deepEqual(comparable(step.path, actual), comparable(step.path, answer), step.name);
      }
      caller.close();
    });
  }
});
