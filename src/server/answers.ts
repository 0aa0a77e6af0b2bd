import { unreachable } from '../base/assert.ts';
import type { Answer, Question } from '../peer/types.ts';
import { errors, failed, ok, type Outcome } from '../wire/errors.ts';
import type { MemberLoops } from './loops.ts';

/** What another member asks of this one. Who asks the leader may find one that is no leader any more. */
export function answerQuestion(
  loops: MemberLoops,
  question: Question,
  answer: (outcome: Outcome<Answer>) => void,
): void {
  switch (question.type) {
    case 'renewLease':
      return loops.leases.renew(question.id, (outcome) =>
        answer(outcome.ok ? ok({ type: 'renewLease', ttl: outcome.value }) : outcome),
      );
    case 'leaseTimeToLive':
      return loops.leases.timeToLive(question.id, question.withKeys, (outcome) =>
        answer(outcome.ok ? ok({ type: 'leaseTimeToLive', times: outcome.value }) : outcome),
      );
    case 'promoteMember':
    case 'hashKv':
      return answer(failed(errors.notCapable));
    default:
      return unreachable(question);
  }
}
