import { unreachable } from '../base/assert.ts';
import type { Answer, Question } from '../peer/types.ts';
import { errors, failed, type Outcome } from '../wire/errors.ts';
import type { MemberLoops } from './loops.ts';

/** What another member asks of this one. Who asks the leader may find one that is no leader any more. */
export function answerQuestion(
  _loops: MemberLoops,
  question: Question,
  answer: (outcome: Outcome<Answer>) => void,
): void {
  switch (question.type) {
    case 'renewLease':
    case 'leaseTimeToLive':
    case 'promoteMember':
    case 'hashKv':
      return answer(failed(errors.notCapable));
    default:
      return unreachable(question);
  }
}
