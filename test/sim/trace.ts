import { describeId, describeMessage } from '../../src/raft/describe.ts';
import type { MemberId, Message } from '../../src/raft/types.ts';

/** What happened in a run: the last of it as text, all of it as one hash. */

const linesMax = 600;

interface Line {
  readonly atMs: number;
  readonly name: string;
  /** Messages become text when somebody wants to read them. */
  readonly what: string | Message;
}

/** `World` is for what happens to no one member. */
export const world = 'world';

export class Trace {
  /** Gets every line as it comes. */
  print: ((line: string) => void) | undefined;
  private readonly now: () => number;
  private readonly nameOf: (id: MemberId) => string | undefined;
  private readonly last: Line[] = [];
  private count = 0;
  /** Two lanes of FNV-1a. */
  private high = 0x811c9dc5;
  private low = 0x01000193;

  constructor(now: () => number, nameOf: (id: MemberId) => string | undefined) {
    this.now = now;
    this.nameOf = nameOf;
  }

  /** Goes into the hash only. */
  mix(value: number): void {
    this.high = Math.imul(this.high ^ value, 0x01000193);
    this.low = Math.imul(this.low ^ value ^ (this.high >>> 13), 0x85ebca6b);
  }

  mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.mix(text.charCodeAt(i));
  }

  /** Goes into the text only: what it tells follows from what the hash has seen. */
  line(name: string, what: string | Message): void {
    const line = { atMs: this.now(), name, what };
    this.last[this.count++ % linesMax] = line;
    this.print?.(this.textOf(line));
  }

  get hash(): string {
    const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    return hex(this.high) + hex(this.low);
  }

  /** The last so many lines, the oldest first. */
  tail(lines: number): readonly string[] {
    const kept = Math.min(this.count, linesMax, lines);
    return Array.from({ length: kept }, (_, i) => {
      const line = this.last[(this.count - kept + i) % linesMax];
      return line === undefined ? '' : this.textOf(line);
    });
  }

  private textOf({ atMs, name, what }: Line): string {
    const text = typeof what === 'string' ? what : this.messageText(what);
    return `${atMs.toFixed(1).padStart(10)} ${name.padEnd(6)} ${text}`;
  }

  /** Ids of members become their names. */
  named(text: string): string {
    return text.replaceAll(idPattern, (id) => this.nameOf(BigInt(id)) ?? id);
  }

  private messageText(message: Message): string {
    const from = describeId(message.from);
    const to = describeId(message.to);
    const known = (id: MemberId): string => this.nameOf(id) ?? describeId(id);
    const text = `got ${describeMessage(message)}`
      .replace(from, known(message.from))
      .replace(to, known(message.to));
    return text.length > messageTextMax ? `${text.slice(0, messageTextMax)}...` : text;
  }
}

/** Ids are hashes: no other number of a text is so long. */
const idPattern = /\b\d{16,20}\b/g;
const messageTextMax = 160;
