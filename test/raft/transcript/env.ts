import { Cluster, type InTransit } from '../support/cluster.ts';
import { describeMessage, describeReady } from '../../../src/raft/describe.ts';
import type { Command } from './parse.ts';
import type { TestMember } from '../support/member.ts';
import type { MemberId } from '../../../src/raft/types.ts';

/** What a transcript's commands work on, and what they have printed. */
export class Env {
  readonly cluster = new Cluster();
  #lines: string[] = [];
  #indent = '';

  print(line: string): void {
    this.#lines.push(`${this.#indent}${line}`);
  }

  /** Prints a heading and, indented below it, what `body` prints. */
  under(heading: string, body: () => void): void {
    this.print(heading);
    const outer = this.#indent;
    this.#indent = `${outer}  `;
    body();
    this.#indent = outer;
  }

  takeOutput(): readonly string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines.length === 0 ? ['ok'] : lines;
  }

  member(id: MemberId): TestMember {
    return this.cluster.member(id);
  }

  takeReady(member: TestMember): void {
    for (const line of describeReady(member.takeReady())) this.print(line);
    this.cluster.collect();
  }

  completeAppend(member: TestMember): void {
    const { messagesAfterAppend, snapshot } = member.completeAppend();
    if (snapshot !== undefined) this.print(`installed snapshot ${snapshot.term}/${snapshot.index}`);
    for (const message of messagesAfterAppend) this.print(`send ${describeMessage(message)}`);
    this.cluster.collect();
  }

  receive(item: InTransit): void {
    this.print(describeMessage(item.message));
    this.cluster.deliver(item);
  }

  /** Takes what is on its way to a member, all or as many as asked for. */
  takeInTransit(to: MemberId, from: MemberId | undefined, countMax: number): readonly InTransit[] {
    const taken: InTransit[] = [];
    this.cluster.inTransit = this.cluster.inTransit.filter((item) => {
      const { message } = item;
      const isMeant = message.to === to && (from === undefined || message.from === from);
      if (!isMeant || taken.length >= countMax) return true;
      taken.push(item);
      return false;
    });
    return taken;
  }
}

export type Handler = (env: Env, command: Command) => void;
