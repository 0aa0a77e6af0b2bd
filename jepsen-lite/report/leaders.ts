import type { History } from '../types.ts';
import { joined } from './findings.ts';
import type { RunFacts } from './member-logs.ts';
import { formatTime } from './words.ts';

/** Who led when, on the clock of the test; there is none to hold it against where the start was not written down. */

export interface Led {
  readonly member: string;
  readonly term: string;
  readonly startUs: number;
  readonly endUs: number;
}

export function ledOf({ startedAt }: History, { leaders }: RunFacts): readonly Led[] {
  if (startedAt === undefined) return [];
  const zeroMs = Date.parse(startedAt);
  return leaders.map(({ member, term, startMs, endMs }) => ({
    member,
    term,
    startUs: (startMs - zeroMs) * 1_000,
    endUs: endMs === undefined ? Number.POSITIVE_INFINITY : (endMs - zeroMs) * 1_000,
  }));
}

/** Who took itself for the leader in that time; undefined: no log says. */
export function describeLed(led: readonly Led[], fromUs: number, toUs: number): string | undefined {
  const then = led.filter(({ startUs, endUs }) => startUs <= toUs && endUs >= fromUs);
  if (led.length === 0) return undefined;
  if (then.length === 0) return 'Nobody led then, by the logs of the members.';
  const each = then.map(
    ({ member, term, startUs, endUs }) =>
      `${member} (term ${term}, ${formatStretch(startUs, endUs)})`,
  );
  return `Who took itself for the leader then, by the members' logs: ${joined(each)}.`;
}

export function formatStretch(startUs: number, endUs: number): string {
  const to = endUs === Number.POSITIVE_INFINITY ? 'the end' : formatTime(endUs);
  return `${formatTime(startUs)} to ${to}`;
}

const leadersShownMax = 60;

/** For both reports: when it began, with which program, under which ids, and who led. */
export function describeRun(history: History, facts: RunFacts): readonly string[] {
  const { startedAt } = history;
  const { program, command, members, leaders } = facts;
  const ids = members.filter((each) => each.ids.length > 0);
  const named = ids.map((each) => `${each.name} = ${each.ids.join(', then ')}`);
  const began = startedAt === undefined ? 'at a time that was not written down' : startedAt;
  const led = leaders.slice(0, leadersShownMax).map(({ member, term, startMs, endMs }) => {
    const [from, to] = [formatUtc(startMs), endMs === undefined ? 'the end' : formatUtc(endMs)];
    const zeroMs = startedAt === undefined ? undefined : Date.parse(startedAt);
    const end = endMs === undefined ? Number.POSITIVE_INFINITY : endMs;
    const stretch =
      zeroMs === undefined
        ? ''
        : `${formatStretch((startMs - zeroMs) * 1_000, (end - zeroMs) * 1_000)}, `;
    return `  ${member}, term ${term}: ${stretch}UTC ${from} to ${to}`;
  });
  return [
    `The test began ${began}${startedAt === undefined ? '' : ' (UTC), which is 0.000 s of all times here'}.`,
    ...(program === undefined ? [] : [`Program: ${program}.`]),
    ...(command === undefined ? [] : [`The first member was started as: ${command}`]),
    ...(named.length === 0 ? [] : [`Ids of the members in their logs: ${named.join('; ')}.`]),
    ...(led.length === 0
      ? []
      : ["Who took itself for the leader, by the members' logs and clocks:"]),
    ...led,
    ...(leaders.length > led.length ? [`  and ${leaders.length - led.length} more`] : []),
  ];
}

function formatUtc(ms: number): string {
  return new Date(ms).toISOString().slice(11, 23);
}
