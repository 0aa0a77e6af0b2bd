import { unreachable } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Scheduler, Timer } from '../base/clock.ts';
import { errors, failed, ok, type Code, type EtcdError, type Outcome } from '../wire/errors.ts';
import { WireError } from '../wire/varint.ts';
import { MessagesReply, MessagesRequest, type WireAnswer, type WireQuestion } from './messages.ts';
import type { Answer, Question } from './types.ts';

/** Questions to one member that may be unanswered at a time; beyond them the next is refused at once. */
export const openQuestionsMax = 20_000;

interface OpenQuestion {
  readonly type: Question['type'];
  readonly done: (answer: Outcome<Answer>) => void;
  readonly timer: Timer;
}

/** What is asked of one member and not answered yet. Each question is sent once, and its `done` called once. */
export class OpenQuestions {
  private readonly scheduler: Scheduler;
  private readonly open = new Map<number, OpenQuestion>();
  private sequence = 0;

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  /** The frame to send; undefined when there are too many, and then `done` is not called. */
  maybeAsk(
    question: Question,
    timeoutMs: number,
    done: (answer: Outcome<Answer>) => void,
  ): Bytes | undefined {
    if (this.open.size >= openQuestionsMax) return undefined;
    const sequence = ++this.sequence;
    const timer = this.scheduler.after(timeoutMs, () => {
      this.open.delete(sequence);
      done(failed(errors.timeout));
    });
    this.open.set(sequence, { type: question.type, done, timer });
    return encodeQuestion(sequence, question);
  }

  /** An answer has come. One that nobody waits for any more is let go. */
  answered(wire: WireAnswer): void {
    const question = this.open.get(wire.sequence);
    if (question === undefined) return;
    const answer = decodeAnswer(wire, question.type);
    this.open.delete(wire.sequence);
    question.timer.cancel();
    question.done(answer);
  }

  /** The link is gone, and with it every answer. Told in a later turn. */
  failAll(error: EtcdError): void {
    if (this.open.size === 0) return;
    const lost = [...this.open.values()];
    this.open.clear();
    for (const { timer } of lost) timer.cancel();
    this.scheduler.after(0, () => {
      for (const { done } of lost) done(failed(error));
    });
  }
}

function encodeQuestion(sequence: number, question: Question): Bytes {
  const wire = { sequence, question: questionToWire(question) };
  return MessagesRequest.encode({ request: { case: 'question', value: wire } });
}

function questionToWire(question: Question): WireQuestion['question'] {
  switch (question.type) {
    case 'renewLease':
      return { case: 'renewLease', value: { id: question.id } };
    case 'leaseTimeToLive':
      return { case: 'leaseTimeToLive', value: { id: question.id } };
    case 'promoteMember':
      return { case: 'promoteMember', value: { id: question.id } };
    case 'hashKv':
      return { case: 'hashKv', value: { revision: question.revision } };
    default:
      return unreachable(question);
  }
}

/** @throws WireError for a question that this version does not know. */
export function decodeQuestion({ question }: WireQuestion): Question {
  switch (question?.case) {
    case 'renewLease':
      return { type: 'renewLease', id: question.value.id };
    case 'leaseTimeToLive':
      return { type: 'leaseTimeToLive', id: question.value.id };
    case 'promoteMember':
      return { type: 'promoteMember', id: question.value.id };
    case 'hashKv':
      return { type: 'hashKv', revision: question.value.revision };
    case undefined:
      throw new WireError('peer: a question of an unknown kind');
    default:
      return unreachable(question);
  }
}

export function encodeAnswer(sequence: number, outcome: Outcome<Answer>): Bytes {
  const wire: WireAnswer = outcome.ok
    ? { sequence, errorCode: 0, errorText: '', answer: answerToWire(outcome.value) }
    : { sequence, errorCode: outcome.error.code, errorText: outcome.error.text, answer: undefined };
  return MessagesReply.encode({ reply: { case: 'answer', value: wire } });
}

function answerToWire(answer: Answer): WireAnswer['answer'] {
  switch (answer.type) {
    case 'renewLease':
      return { case: 'renewLease', value: { ttl: answer.ttl } };
    case 'leaseTimeToLive': {
      const { times } = answer;
      const value =
        times === undefined
          ? { isThere: false, granted: 0, remaining: 0 }
          : { isThere: true, ...times };
      return { case: 'leaseTimeToLive', value };
    }
    case 'promoteMember':
      return { case: 'promoteMember', value: {} };
    case 'hashKv':
      return { case: 'hashKv', value: answer };
    default:
      return unreachable(answer);
  }
}

/** @throws WireError when the answer is to another question than was asked. */
function decodeAnswer(wire: WireAnswer, asked: Question['type']): Outcome<Answer> {
  const { errorCode, errorText, answer } = wire;
  if (errorCode !== 0) return failed({ code: errorCode as Code, text: errorText });
  if (answer?.case !== asked) throw new WireError(`peer: the answer to ${asked} is another`);
  switch (answer.case) {
    case 'renewLease':
      return ok({ type: 'renewLease', ttl: answer.value.ttl });
    case 'leaseTimeToLive': {
      const { isThere, ...times } = answer.value;
      return ok({ type: 'leaseTimeToLive', times: isThere ? times : undefined });
    }
    case 'promoteMember':
      return ok({ type: 'promoteMember' });
    case 'hashKv':
      return ok({ type: 'hashKv', ...answer.value });
    default:
      return unreachable(answer);
  }
}
