import type { Choice } from './choice.ts';
import { ownMember } from './names.ts';
import { call, type Operation } from './operation.ts';

/** Alarms that are raised and disarmed again; in between the stream goes on, and much of it is refused. */

const get = 0;
const activate = 1;
const deactivate = 2;
const none = 0;
const noSpace = 1;
const corrupt = 2;
/** A type that there is not: etcd stores it all the same. An action that there is not ends etcd 3.7.3. */
const strangeType = 5;

const members = [ownMember, ownMember, '0', '7', '18446744073709551615'];
const types = [none, noSpace, corrupt, strangeType];

/** Keys of the barrier's that can be deleted when nothing can be put. */
const sparesPrefix = '~spare/';
const spares = 40;
export const spareKey = (n: number): Buffer => Buffer.from(`${sparesPrefix}${n % spares}`);

export interface Alarm {
  readonly member: string;
  readonly type: number;
}

export function someAlarm(choice: Choice): Alarm {
  const type = choice.weighted<number>([
    [8, () => noSpace],
    [4, () => corrupt],
    [1, () => none],
    [1, () => strangeType],
  ]);
  return { member: choice.of(members), type };
}

const request = (action: number, { member, type }: Alarm): Operation =>
  call('Maintenance.Alarm', { action, memberID: member, alarm: type });

export function raising(choice: Choice, alarm: Alarm): readonly Operation[] {
  return [
    call('KV.Txn', {
      success: Array.from({ length: spares }, (_, n) => ({ request_put: { key: spareKey(n) } })),
    }),
    request(activate, alarm),
    ...(choice.percent(30) ? [request(activate, alarm)] : []),
    call('Maintenance.Status', {}),
  ];
}

export function anyAlarmRequest(choice: Choice): Operation {
  return request(get, { member: choice.of(members), type: choice.of(types) });
}

export function disarming(choice: Choice, alarms: readonly Alarm[]): readonly Operation[] {
  return [
    anyAlarmRequest(choice),
    // One that was not raised.
    ...(choice.percent(40) ? [request(deactivate, { member: '9', type: choice.of(types) })] : []),
    ...alarms.map((alarm) => request(deactivate, alarm)),
    request(get, { member: '0', type: none }),
    call('Maintenance.Status', {}),
  ];
}
