import assert from 'node:assert/strict';
import type { ServerMember } from '../../src/server/member.ts';
import type { Done } from '../../src/server/types.ts';
import type { EtcdError } from '../../src/wire/errors.ts';

/** Writes down what clients ask and are told; who is told, or who is asked. */
export type Note = (member: ServerMember, text: string) => void;

/** The calls of clients that wait for an answer. */
export class SimCalls {
  private readonly note: Note;
  /** By the member that was called. */
  private readonly open = new Map<object, ServerMember>();

  constructor(note: Note) {
    this.note = note;
  }

  get count(): number {
    return this.open.size;
  }

  /** Whether every call to a member that runs has been answered. */
  get isIdle(): boolean {
    for (const [call, member] of this.open) if (member.hasStopped) this.open.delete(call);
    return this.open.size === 0;
  }

  /** For one answer, which may come once; `what` is asked. */
  begin<T>(
    member: ServerMember,
    what: string,
    answered: (value: T) => void,
    refused: (error: EtcdError) => void = () => undefined,
  ): Done<T> {
    const call = {};
    let isAnswered = false;
    this.open.set(call, member);
    this.note(member, `is asked: ${what}`);
    return (outcome) => {
      assert.ok(!isAnswered, 'a call was answered twice');
      isAnswered = true;
      this.open.delete(call);
      this.note(member, `answers ${outcome.ok ? 'ok' : outcome.error.text}: ${what}`);
      if (outcome.ok) answered(outcome.value);
      else refused(outcome.error);
    };
  }
}
