import { describeEntry } from '../../../../src/raft/describe.ts';
import { idOf, numberOf, type Command } from '../parse.ts';
import type { Env } from '../env.ts';

/** `ready 1`: takes a Ready, whose batch and committed entries begin to wait. */
export function ready(env: Env, command: Command): void {
  env.takeReady(env.member(idOf(command.words[0])));
}

/** `append 1`: the oldest batch is on disk. */
export function append(env: Env, command: Command): void {
  env.completeAppend(env.member(idOf(command.words[0])));
}

/** `apply 1 count=2` */
export function apply(env: Env, command: Command): void {
  const member = env.member(idOf(command.words[0]));
  const count = member.apply(numberOf(command.options.get('count'), Infinity));
  env.print(`applied ${count}, up to ${member.store.applied}`);
}

/** `commit-store 1`: what is applied survives a crash. */
export function commitStore(env: Env, command: Command): void {
  const member = env.member(idOf(command.words[0]));
  env.print(member.commitStore() ? `up to ${member.store.applied}` : 'waits for the log');
}

/** `compact 1`: the log is cut to what the committed store does not stand for. */
export function compact(env: Env, command: Command): void {
  const member = env.member(idOf(command.words[0]));
  member.commitStore();
  member.compact();
  env.print(`the log begins at ${member.log.firstIndex()}`);
}

/** `crash 1 written=1`: memory is lost; so many batches in flight had just reached the disk. */
export function crash(env: Env, command: Command): void {
  env.member(idOf(command.words[0])).restart(numberOf(command.options.get('written'), 0));
}

/** `log 1`: what is on disk. */
export function log(env: Env, command: Command): void {
  const { log: onDisk } = env.member(idOf(command.words[0]));
  env.print(`after ${onDisk.term(onDisk.firstIndex() - 1)}/${onDisk.firstIndex() - 1}`);
  for (const entry of onDisk.all()) env.print(describeEntry(entry));
}
