import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { emptyBytes, fromHex, hex } from '../../src/base/bytes.ts';
import {
  decodeConfChange,
  encodeConfChange,
  entersJoint,
  isLeaveJoint,
  leaveJoint,
  type ConfChange,
} from '../../src/raft/confchange.ts';
import { emptyConfState, isJoint, membersOf, nextConfState } from '../../src/raft/configuration.ts';
import type { ConfState } from '../../src/raft/types.ts';

const singles = fc.record(
  {
    type: fc.constantFrom('addVoter' as const, 'addLearner' as const, 'remove' as const),
    memberId: fc.bigInt(1n, 6n),
  },
  { noNullPrototype: true },
);
const changes: fc.Arbitrary<ConfChange> = fc.record(
  {
    transition: fc.constantFrom(
      'auto' as const,
      'jointImplicit' as const,
      'jointExplicit' as const,
    ),
    changes: fc.array(singles, { maxLength: 4 }),
    context: fc.uint8Array({ maxLength: 4 }),
  },
  { noNullPrototype: true },
);

/** Whatever changes were made, one after the other, where they could be. */
const configurations = fc.array(changes, { maxLength: 12 }).map((list) => {
  let conf: ConfState = { ...emptyConfState, voters: [1n] };
  for (const change of list) {
    const outcome = nextConfState(conf, change);
    if ('confState' in outcome) conf = outcome.confState;
  }
  return conf;
});

describe('configuration changes', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(changes, (change) => {
        assert.deepEqual(decodeConfChange(encodeConfChange(change)), change);
      }),
    );
  });

  it('are encoded as raftpb.ConfChangeV2, and leaving a joint configuration as nothing', () => {
    const change: ConfChange = {
      transition: 'jointImplicit',
      changes: [
        { type: 'addVoter', memberId: 1n },
        { type: 'remove', memberId: 2n },
        { type: 'addLearner', memberId: 300n },
      ],
      context: fromHex('ff'),
    };
    // transition = 1; changes { id 1 }, { type 1, id 2 }, { type 3, id 300 }; context
    assert.equal(hex(encodeConfChange(change)), '0801120210011204080110021205080310ac021a01ff');
    assert.equal(encodeConfChange(leaveJoint).length, 0);
    assert(isLeaveJoint(decodeConfChange(emptyBytes)));
  });

  it('of a kind that this version does not know are refused', () => {
    for (const bytes of ['0803', '120408021001', '12020800', '2001']) {
      assert.throws(() => decodeConfChange(fromHex(bytes)), /configuration change/);
    }
  });
});

describe('configurations', () => {
  it('have ascending ids, at least one voter, and nobody as voter and learner at once', () => {
    fc.assert(
      fc.property(configurations, (conf) => {
        for (const ids of [conf.voters, conf.votersOutgoing, conf.learners, conf.learnersNext]) {
          assert.deepEqual(
            ids,
            [...new Set(ids)].sort((a, b) => Number(a - b)),
          );
        }
        const voting = new Set([...conf.voters, ...conf.votersOutgoing]);
        assert(conf.voters.length > 0);
        assert(conf.learners.every((id) => !voting.has(id)));
        assert(conf.learnersNext.every((id) => conf.votersOutgoing.includes(id)));
        if (!isJoint(conf)) assert(!conf.autoLeave && conf.learnersNext.length === 0);
      }),
      { numRuns: 2000 },
    );
  });

  it('change by one voter at most unless they become joint (section 4.1)', () => {
    fc.assert(
      fc.property(configurations, changes, (conf, change) => {
        const outcome = nextConfState(conf, change);
        if (!('confState' in outcome) || isJoint(conf) || isJoint(outcome.confState)) return;
        const before = new Set(conf.voters);
        const after = new Set(outcome.confState.voters);
        const moved = [...before, ...after].filter((id) => before.has(id) !== after.has(id));
        assert(moved.length <= 1);
      }),
      { numRuns: 2000 },
    );
  });

  it('when joint hold the old voters as they were, and only leave from there (section 4.3)', () => {
    fc.assert(
      fc.property(configurations, changes, (conf, change) => {
        const outcome = nextConfState(conf, change);
        if (isJoint(conf)) assert.equal('confState' in outcome, isLeaveJoint(change));
        else if ('confState' in outcome && isJoint(outcome.confState)) {
          assert(entersJoint(change));
          assert.deepEqual(outcome.confState.votersOutgoing, conf.voters);
          const left = nextConfState(outcome.confState, leaveJoint);
          assert('confState' in left && !isJoint(left.confState));
          assert.deepEqual(left.confState.voters, outcome.confState.voters);
          const gone = membersOf(outcome.confState).filter(
            (id) => !membersOf(left.confState).includes(id),
          );
          assert(gone.every((id) => conf.voters.includes(id)));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('come out the same by single steps and by one joint change', () => {
    fc.assert(
      fc.property(
        configurations,
        fc.array(singles, { minLength: 1, maxLength: 5 }),
        (start, list) => {
          fc.pre(!isJoint(start));
          let stepwise = start;
          for (const single of list) {
            const change: ConfChange = {
              transition: 'auto',
              changes: [single],
              context: emptyBytes,
            };
            const outcome = nextConfState(stepwise, change);
            if ('refused' in outcome) return;
            stepwise = outcome.confState;
          }
          const at = (transition: ConfChange['transition'], conf: ConfState): ConfState => {
            const change: ConfChange = { transition, changes: list, context: emptyBytes };
            const outcome = nextConfState(conf, change);
            assert('confState' in outcome);
            return outcome.confState;
          };
          const left = nextConfState(at('jointImplicit', start), leaveJoint);
          assert('confState' in left);
          assert.deepEqual(left.confState, stepwise);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
