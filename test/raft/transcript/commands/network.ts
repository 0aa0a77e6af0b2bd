import { describeMessage } from '../../../../src/raft/describe.ts';
import { idOf, numberOf, type Command } from '../parse.ts';
import type { Env } from '../env.ts';

/** `deliver 2 from=1 count=1 drop=true` */
export function deliver(env: Env, command: Command): void {
  const { words, options } = command;
  const from = options.has('from') ? idOf(options.get('from')) : undefined;
  const count = numberOf(options.get('count'), Infinity);
  for (const item of env.takeInTransit(idOf(words[0]), from, count)) {
    if (options.get('drop') === 'true') env.print(`lost ${describeMessage(item.message)}`);
    else env.receive(item);
  }
}

/** `isolate 1` */
export function isolate(env: Env, command: Command): void {
  for (const word of command.words) env.cluster.isolate(Number(word));
}

/** `cut 1 2`: from 1 to 2 only. */
export function cut(env: Env, command: Command): void {
  env.cluster.cut(Number(command.words[0]), Number(command.words[1]));
}

/** `heal` */
export function heal(env: Env): void {
  env.cluster.heal();
}

/** `report-unreachable 1 2`: tells 1 that messages to 2 were lost. */
export function reportUnreachable(env: Env, command: Command): void {
  env.member(idOf(command.words[0])).raft.reportUnreachable(idOf(command.words[1]));
}

/** `report-snapshot 1 2 delivered=false` */
export function reportSnapshot(env: Env, command: Command): void {
  const isDelivered = command.options.get('delivered') !== 'false';
  env.member(idOf(command.words[0])).raft.reportSnapshot(idOf(command.words[1]), isDelivered);
}
