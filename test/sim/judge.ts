import { describeId } from '../../src/raft/describe.ts';
import type { MemberId, Message } from '../../src/raft/types.ts';
import type { ManualScheduler } from '../peer/manual-scheduler.ts';
import { Trace, world } from './trace.ts';
import type { Invariant, SimEvent, SimMember, SimView } from './types.ts';

/** What was last seen of a member, so that the trace tells elections. */
interface Seen {
  term: number;
  isLeader: boolean;
  readonly number: number;
}

/**
 * Hears of every event of a run: writes it down, mixes it into the hash, and asks the invariants. It is the view that
 * they look at.
 */
export class Judge implements SimView {
  readonly trace: Trace;
  readonly members = new Map<string, SimMember>();
  /** Messages delivered, disk operations ended, timers fired. */
  events = 0;
  /** What these do is not judged any more: their data is damaged. */
  isExempt: (name: string) => boolean = () => false;
  private readonly time: ManualScheduler;
  private readonly invariants: readonly Invariant[];
  private readonly sentBy = new Map<string, Message[]>();
  private readonly seen = new Map<string, Seen>();
  private readonly names = new Map<MemberId, string>();

  constructor(time: ManualScheduler, invariants: readonly Invariant[]) {
    this.time = time;
    this.invariants = invariants;
    this.trace = new Trace(
      () => time.timeMs,
      (id) => this.names.get(id),
    );
  }

  get nowMs(): number {
    return this.time.timeMs;
  }

  takeSent(name: string): readonly Message[] {
    const sent = this.sentBy.get(name);
    if (sent === undefined || sent.length === 0) return [];
    this.sentBy.set(name, []);
    return sent;
  }

  /** `World` when nobody is named. */
  note(name: string | undefined, text: string): void {
    this.trace.mixText(text);
    this.trace.line(name ?? world, text);
  }

  sent(name: string, messages: readonly Message[]): void {
    if (this.invariants.length > 0) this.sentBy.get(name)?.push(...messages);
  }

  started(started: SimMember): void {
    const { name, member } = started;
    this.members.set(name, started);
    this.sentBy.set(name, []);
    this.names.set(member.id, name);
    const number = this.seen.get(name)?.number ?? this.seen.size + 1;
    this.seen.set(name, { term: member.term, isLeader: false, number });
    const { raftAppliedIndex } = member.status();
    this.note(name, `starts as ${describeId(member.id)}, has applied ${raftAppliedIndex}`);
    this.tell({ kind: 'start', name });
  }

  ended(name: string, isPowerLoss: boolean): void {
    this.note(name, isPowerLoss ? 'ends: no power' : 'ends: stopped');
    this.members.delete(name);
    this.tell({ kind: 'end', name, isPowerLoss });
  }

  message(name: string, message: Message): void {
    this.events++;
    this.trace.line(name, message);
    this.trace.mix(codeOf(message.type) + message.term * 32);
    this.tell({ kind: 'message', name, message });
  }

  disk(name: string, path: string): void {
    this.events++;
    this.tell({ kind: 'disk', name, path });
  }

  turn(name: string): void {
    this.events++;
    this.tell({ kind: 'turn', name });
  }

  /** Somebody called any of them. */
  called(): void {
    for (const name of this.members.keys()) this.tell({ kind: 'turn', name });
  }

  private tell(event: SimEvent): void {
    const { name } = event;
    const { trace } = this;
    trace.mix(kinds[event.kind] + 8 * (this.seen.get(name)?.number ?? 0));
    trace.mix(this.time.timeMs * 16);
    this.watchTerm(name);
    if (this.invariants.length === 0) return;
    if (!this.isExempt(name)) for (const each of this.invariants) each.after(event, this);
    const sent = this.sentBy.get(name);
    if (sent !== undefined && sent.length > 0) this.sentBy.set(name, []);
  }

  private watchTerm(name: string): void {
    const member = this.members.get(name)?.member;
    const seen = this.seen.get(name);
    if (member === undefined || seen === undefined) return;
    const { term, isLeader } = member;
    if (term === seen.term && isLeader === seen.isLeader) return;
    this.trace.mix(term * 2 + Number(isLeader));
    if (isLeader && !seen.isLeader) this.trace.line(name, `leads in term ${term}`);
    else if (!isLeader && seen.isLeader) this.trace.line(name, `leads no more; term ${term}`);
    else this.trace.line(name, `enters term ${term}`);
    seen.term = term;
    seen.isLeader = isLeader;
  }
}

const kinds: Readonly<Record<SimEvent['kind'], number>> = {
  start: 1,
  end: 2,
  message: 3,
  disk: 4,
  turn: 5,
};

/** A number for each type: nothing but the hash depends on it. */
function codeOf(type: Message['type']): number {
  let code = codes.get(type);
  if (code === undefined) {
    code = 0;
    for (let i = 0; i < type.length; i++) code = (code * 7 + type.charCodeAt(i)) % 31;
    codes.set(type, code);
  }
  return code;
}

const codes = new Map<Message['type'], number>();
