import { AlarmType } from '../../wire/maintenance.ts';
import { EventType } from '../../wire/mvccpb.ts';

/** Enums by the names that protobuf gives them; a number that has none stands for itself. */

const byNumber = (names: Readonly<Record<string, number>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(names).map(([name, number]) => [number, name]));

const eventTypes = byNumber(EventType);
const alarmTypes = byNumber(AlarmType);

export const describeEventType = (type: number): string => eventTypes.get(type) ?? String(type);
export const describeAlarmType = (type: number): string => alarmTypes.get(type) ?? String(type);
