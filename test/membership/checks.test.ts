import assert from 'node:assert/strict';
import {
  isReadyLearner,
  refuseAdd,
  refusePromote,
  refuseRemove,
  type ClusterView,
} from '../../src/membership/checks.ts';
import { MemberRecord } from '../../src/membership/record.ts';
import { errors } from '../../src/wire/errors.ts';

/** `a b c`: started and reachable; `-` stands before one that is down, `?` before one never started, `*` a learner. */
function cluster(text: string): ClusterView {
  const members = text.split(' ').map((word) => {
    const letter = word.at(-1) ?? '';
    return {
      record: MemberRecord.create({
        id: idOf(letter),
        name: word.includes('?') ? '' : letter,
        isLearner: word.includes('*'),
      }),
      isDown: word.includes('-') || word.includes('?'),
    };
  });
  return {
    members: members.map(({ record }) => record),
    reachable: new Set(members.filter(({ isDown }) => !isDown).map(({ record }) => record.id)),
  };
}

const idOf = (letter: string): bigint => BigInt(letter.charCodeAt(0));
const { memberNotEnoughStarted: notStarted, unhealthy } = errors;

describe('the checks of membership changes', () => {
  it('a voter is added when those who were started are a quorum with it', () => {
    assert.equal(refuseAdd(cluster('a b c'), false), undefined);
    assert.equal(refuseAdd(cluster('a b c ?d'), false), undefined);
    assert.equal(refuseAdd(cluster('a b ?c'), false), notStarted, 'three of four would be needed');
    assert.equal(refuseAdd(cluster('a ?b'), false), notStarted);
    assert.equal(refuseAdd(cluster('a'), false), undefined, 'one alone has no choice');
  });

  it('one is added, a learner too, when those who can be reached are a quorum without it', () => {
    for (const isLearner of [false, true]) {
      assert.equal(refuseAdd(cluster('a b -c'), isLearner), unhealthy, '2 of 4');
      assert.equal(refuseAdd(cluster('a b c -d'), isLearner), undefined, '3 of 5');
      assert.equal(refuseAdd(cluster('a -b'), isLearner), unhealthy);
    }
    assert.equal(refuseAdd(cluster('a b ?c'), true), unhealthy, 'who was started is no matter');
    assert.equal(refuseAdd(cluster('a b *c -*d'), false), undefined, 'learners do not count');
  });

  it('a voter is removed when those who stay are a quorum', () => {
    const remove = (text: string, letter: string) => refuseRemove(cluster(text), idOf(letter));
    assert.equal(remove('a b c', 'a'), undefined);
    assert.equal(remove('a b -c', 'c'), undefined, 'one that is down counts for nothing already');
    assert.equal(remove('a b -c', 'a'), unhealthy);
    assert.equal(remove('a b ?c', 'a'), notStarted, 'one of two would be started');
    assert.equal(remove('a b', 'a'), undefined);
    assert.equal(remove('a -b', 'a'), unhealthy);
    assert.equal(remove('a', 'a'), notStarted);
    assert.equal(remove('a b c', 'x'), undefined, 'what is not there is found when it is applied');
  });

  it('a learner is removed whatever the voters are', () => {
    assert.equal(refuseRemove(cluster('a -b -c *d'), idOf('d')), undefined);
  });

  it('a learner is promoted when the voters are a quorum with it', () => {
    const promote = (text: string) => refusePromote(cluster(text), idOf('z'));
    assert.equal(promote('a b c *z'), undefined);
    assert.equal(promote('a b -c *z'), undefined, '3 of 4 with the learner');
    assert.equal(promote('a b -c -*z'), unhealthy, '2 of 4: the promotion would cost the quorum');
    assert.equal(promote('a -*z'), unhealthy);
    assert.equal(promote('a ?b ?c *z'), notStarted);
  });

  it('a learner is ready with nine tenths of what the leader has', () => {
    assert.equal(isReadyLearner(90, 100), true);
    assert.equal(isReadyLearner(89, 100), false);
    assert.equal(isReadyLearner(0, 5), false);
  });
});
