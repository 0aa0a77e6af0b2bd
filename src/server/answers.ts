import { unreachable } from '../base/assert.ts';
import type { Answer, Question } from '../peer/types.ts';
import { failed, ok, type Outcome } from '../wire/errors.ts';
import type { MemberLoops } from './loops.ts';
import type { MemberHash } from './peer-hashes.ts';
import type { Done } from './types.ts';

/** What another member asks of this one. Who asks the leader may find one that is no leader any more. */
export function answerQuestion(
  loops: MemberLoops,
  question: Question,
  answer: (outcome: Outcome<Answer>) => void,
): void {
  switch (question.type) {
    case 'promoteMember':
      return loops.reconfiguration.promoteForOther(question.id, (outcome) =>
        answer(outcome.ok ? ok({ type: 'promoteMember' }) : failed(outcome.error)),
      );
    case 'renewLease':
      return loops.leases.renew(question.id, (outcome) =>
        answer(outcome.ok ? ok({ type: 'renewLease', ttl: outcome.value }) : outcome),
      );
    case 'leaseTimeToLive':
      return loops.leases.timeToLive(question.id, (outcome) =>
        answer(outcome.ok ? ok({ type: 'leaseTimeToLive', times: outcome.value }) : outcome),
      );
    case 'hashKv':
      return answerHashKv(loops, question.revision, (outcome) => {
        answer(outcome.ok ? ok({ type: 'hashKv', ...outcome.value }) : outcome);
      });
    default:
      return unreachable(question);
  }
}

/** The own hash, with the newest revision there is by the time that it is known. */
export function answerHashKv(loops: MemberLoops, revision: number, done: Done<MemberHash>): void {
  loops.hashes.hashKv(revision, (outcome) => {
    const currentRevision = loops.state.revisions.revision;
    done(outcome.ok ? ok({ ...outcome.value, currentRevision }) : outcome);
  });
}
