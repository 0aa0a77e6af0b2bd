import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.ts';
import { FaultyLinks } from '../../src/peer/memory-links.ts';
import { MemoryNetwork } from '../../src/peer/memory-transport.ts';
import type { Answer, Question } from '../../src/peer/types.ts';
import { errors, failed, ok, type Outcome } from '../../src/wire/errors.ts';
import { until } from '../grpc/fixture.ts';
import { ManualScheduler } from './manual-scheduler.ts';
import { introduce, RealMember } from './real-member.ts';
import { addressOf, heartbeat, identityOf, RecordingEvents } from './recording-events.ts';

const renewal: Question = { type: 'renewLease', id: -5n };
const renewed: Outcome<Answer> = ok({ type: 'renewLease', ttl: 60 });

/** Every kind of question with an answer of each shape that it may have. */
const exchanges: readonly (readonly [Question, Outcome<Answer>])[] = [
  [renewal, renewed],
  [{ type: 'renewLease', id: 2n ** 62n }, ok({ type: 'renewLease', ttl: 0 })],
  [
    { type: 'leaseTimeToLive', id: 7n },
    ok({ type: 'leaseTimeToLive', times: { granted: 60, remaining: 0 } }),
  ],
  [{ type: 'leaseTimeToLive', id: -7n }, ok({ type: 'leaseTimeToLive', times: undefined })],
  [{ type: 'promoteMember', id: 2n ** 64n - 1n }, ok({ type: 'promoteMember' })],
  [{ type: 'promoteMember', id: 3n }, failed(errors.learnerNotReady)],
  [
    { type: 'hashKv', revision: 9 },
    ok({
      type: 'hashKv',
      hash: 2 ** 32 - 1,
      revision: 9,
      compactRevision: -1,
      currentRevision: 12,
    }),
  ],
];

describe('questions between members', () => {
  describe('over real links', () => {
    const running: RealMember[] = [];
    const linked = async (): Promise<readonly [RealMember, RealMember]> => {
      const [one, two] = [await RealMember.start(1n), await RealMember.start(2n)];
      running.push(one, two);
      introduce(one, two);
      await until('the link is open', () => {
        one.transport.send([heartbeat(1n, 2n, 1)]);
        return two.events.messages.length > 0;
      });
      return [one, two];
    };
    afterEach(async () => {
      for (const member of running.splice(0)) await member.stop();
    });
    const ask = (
      from: RealMember,
      question: Question,
      timeoutMs = 5000,
    ): Promise<Outcome<Answer>> =>
      new Promise((resolve) => from.transport.ask(2n, question, timeoutMs, resolve));

    it('arrive as they were asked, and the answers as they were given', async () => {
      const [one, two] = await linked();
      for (const [question, answer] of exchanges) {
        const asked: Question[] = [];
        two.events.answerTo = (given) => {
          asked.push(given);
          return answer;
        };
        assert.deepEqual(await ask(one, question), answer);
        assert.deepEqual(asked, [question]);
      }
    });

    it('fail when the member is not known, when it goes, and when no answer comes in time', async () => {
      const [one, two] = await linked();
      two.events.asked = () => undefined;
      assert.deepEqual(await ask(one, renewal, 50), failed(errors.timeout));
      const lost = ask(one, renewal);
      await two.stop();
      assert.deepEqual(await lost, failed(errors.timeoutConnectionLost));
      assert.deepEqual(await ask(one, renewal), failed(errors.timeoutConnectionLost));
    });
  });

  it('in memory keep the manners of the real ones', () => {
    const scheduler = new ManualScheduler();
    const links = new FaultyLinks(seededRandom(1));
    const network = new MemoryNetwork(scheduler, links);
    const [one, two] = ([1n, 2n] as const).map((id) => {
      const events = new RecordingEvents();
      const transport = network.join(identityOf(id), events);
      transport.setPeers([1n, 2n].filter((other) => other !== id).map((other) => addressOf(other)));
      return { events, transport };
    });
    assert.ok(one !== undefined && two !== undefined);
    const got: Outcome<Answer>[] = [];
    const ask = (to: bigint): void =>
      one.transport.ask(to, renewal, 100, (outcome) => got.push(outcome));
    two.events.answerTo = () => renewed;
    ask(2n);
    assert.deepEqual(got, [], 'not re-entrantly');
    scheduler.advance(0);
    scheduler.advance(0);
    assert.deepEqual(got, [renewed]);
    scheduler.advance(1000);
    links.cut(2n, 1n);
    ask(2n);
    scheduler.advance(100);
    ask(3n);
    scheduler.advance(0);
    assert.deepEqual(got, [renewed, failed(errors.timeout), failed(errors.timeoutConnectionLost)]);
  });
});
