import { ok } from '../wire/errors.ts';
import {
  AlarmAction,
  AlarmType,
  type AlarmMember,
  type AlarmRequest,
} from '../wire/maintenance.ts';
import type { Alarms } from './alarms.ts';
import { applied, type Applied, type StateChange } from './types.ts';

/** Alarm (etcd server/etcdserver/apply/uber_apply.go and api/v3alarm). */
export function applyAlarm(alarms: Alarms, { action, memberId, alarm }: AlarmRequest): Applied {
  const asked: AlarmMember = { memberId, alarm };
  const changes: StateChange[] = [];
  let answered: readonly AlarmMember[] = [];
  if (action === AlarmAction.GET) answered = alarmsOf(alarms, alarm);
  else if (action === AlarmAction.ACTIVATE && alarm !== AlarmType.NONE) {
    if (!alarms.has(asked)) changes.push(alarms.raise(asked));
    answered = [asked];
  } else if (action === AlarmAction.DEACTIVATE && alarms.has(asked)) {
    changes.push(alarms.disarm(asked));
    answered = [asked];
  }
  return { ...applied(ok({ header: undefined, alarms: answered }), []), changes };
}

/** Those of one type; of all types for NONE. */
function alarmsOf(alarms: Alarms, type: number): readonly AlarmMember[] {
  const all = alarms.list();
  return type === AlarmType.NONE ? all : all.filter(({ alarm }) => alarm === type);
}
