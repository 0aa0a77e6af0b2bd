import { answerOf, isMutation, requestOf, type Action, type Answer } from '../client/requests.ts';
import type { Checker, History, Operation, Verdict } from '../types.ts';
import { eventsOf, type Events } from './events.ts';
import { tellBackwards, type Point } from './real-time.ts';
import { describeOperation, endOf, Findings } from './verdict.ts';

/**
 * What holds whatever clients do, so that every workload is judged by it: the store never goes back behind what it
 * has answered, and what it has acknowledged is in the story that its watchers tell. A store that has forgotten
 * everything, and goes on as if it were new, breaks both, even where every answer by itself could be right.
 */

export const acknowledged: Checker = { name: 'acknowledged', check };

interface Answered {
  readonly operation: Operation;
  readonly answer: Answer;
}

function check(history: History): Verdict {
  const findings = new Findings();
  const answered = history.operations.flatMap((operation): readonly Answered[] => {
    const answer = answerOf(operation);
    return answer === undefined ? [] : [{ operation, answer }];
  });
  checkForward(answered, findings);
  // What its own members tell differently, other checkers say.
  const events = eventsOf(history, new Findings());
  const held = events === undefined ? 0 : checkTold(answered, events, findings);
  return {
    checker: 'acknowledged',
    result: findings.anomalies.length > 0 ? 'invalid' : 'valid',
    anomalies: findings.anomalies,
    cases: findings.cases,
    counts: {
      'answers with a revision': answered.length,
      'writes looked up in what watchers were told': held,
      ...findings.counts,
    },
  };
}

/** One pass: by start, against the highest revision of all that had ended by then. */
function checkForward(answered: readonly Answered[], findings: Findings): void {
  const byStart = [...answered].sort((a, b) => a.operation.startUs - b.operation.startUs);
  const byEnd = [...answered].sort((a, b) => endOf(a.operation) - endOf(b.operation));
  let ended = 0;
  let newest: Answered | undefined;
  for (const each of byStart) {
    for (let next = byEnd[ended]; next !== undefined; next = byEnd[++ended]) {
      if (endOf(next.operation) >= each.operation.startUs) break;
      if (newest === undefined || next.answer.revision > newest.answer.revision) newest = next;
    }
    // A member may answer from what it knew before, where that was asked for.
    if (newest === undefined || requestOf(each.operation)?.serializable === true) continue;
    if (each.answer.revision >= newest.answer.revision) continue;
    findings.add(
      'store went back',
      `${tellBackwards(pointOf(each), pointOf(newest))} It is out of date, or the store has forgotten ` +
        'what it had acknowledged.',
      [newest.operation.index, each.operation.index],
    );
  }
}

function pointOf({ operation, answer }: Answered): Pick<Point, 'operation' | 'revision'> {
  return { operation, revision: answer.revision };
}

/** Answers how many writes could be looked up. */
function checkTold(answered: readonly Answered[], events: Events, findings: Findings): number {
  let held = 0;
  for (const { operation, answer } of answered) {
    const { revision } = answer;
    if (revision > events.lastRevision || events.gaps.has(revision)) continue;
    const told = events.byRevision.get(revision) ?? [];
    for (const action of actionsOf(operation, answer)) {
      if (action.op !== 'put') continue;
      held++;
      const isThere = told.some(
        (event) => event.type === 'put' && event.key === action.key && event.value === action.value,
      );
      if (isThere) continue;
      const what =
        `${describeOperation(operation)} was acknowledged: ${action.key} = ${action.value} at revision ` +
        `${revision}. Who watched was told of something else at that revision, or of nothing.`;
      findings.add('lost write', what, [operation.index, events.toldBy.get(revision)]);
    }
  }
  return held;
}

/** Those of the branch that was taken. */
function actionsOf(operation: Operation, { succeeded }: Answer): readonly Action[] {
  const request = requestOf(operation);
  if (request === undefined || !isMutation(request)) return [];
  return succeeded ? request.success : (request.failure ?? []);
}
