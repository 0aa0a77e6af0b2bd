import assert from 'node:assert/strict';
import { Fixture } from '../grpc/fixture.ts';
import { grpcCaller, handlersCaller, type Caller } from './caller.ts';
import { scenarios } from './golden/scenarios.ts';
import { comparable, loadTranscript } from './golden/transcript.ts';
import { MachineMember } from './machine-member.ts';
import { servicesOf } from './services.ts';

/**
 * What etcd 3.7.3 answered is what this store answers: every header, key-value, count and error. In this process
 * and through a socket, on the real state machine; with QUORATE_ENDPOINT=host:port at a server elsewhere, which
 * must be a fresh member for each scenario (`--grep`).
 */
const endpoint = process.env['QUORATE_ENDPOINT'];

interface Opened {
  readonly caller: Caller;
  readonly close: () => void | Promise<void>;
}

function openInProcess(): Opened {
  const caller = handlersCaller(servicesOf(new MachineMember()).handlers);
  return { caller, close: () => undefined };
}

async function openThroughSocket(): Promise<Opened> {
  const { handlers } = servicesOf(new MachineMember());
  const fixture = await Fixture.start(Object.fromEntries(handlers));
  const caller = grpcCaller(fixture.address);
  const close = async (): Promise<void> => {
    caller.close();
    await fixture.stop();
  };
  return { caller, close };
}

function openElsewhere(address: string): Opened {
  const caller = grpcCaller(address);
  return { caller, close: () => caller.close() };
}

function replayAll(open: () => Opened | Promise<Opened>): void {
  for (const { name, steps } of scenarios) {
    it(`${name}: as recorded`, async () => {
      const recorded = loadTranscript(name);
      assert.equal(recorded.length, steps.length, 'the scenario has changed: record it again');
      const { caller, close } = await open();
      for (const { step, answer } of recorded) {
        const actual = await caller.call(step);
        assert.deepEqual(comparable(step.path, actual), comparable(step.path, answer), step.name);
      }
      await close();
    });
  }
}

if (endpoint === undefined) {
  describe('etcd answers, in this process', () => replayAll(openInProcess));
  describe('etcd answers, through a socket', () => replayAll(openThroughSocket));
} else describe(`etcd answers, at ${endpoint}`, () => replayAll(() => openElsewhere(endpoint)));
