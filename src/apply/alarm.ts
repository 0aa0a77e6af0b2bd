import { errors, ok } from '../wire/errors.ts';
import {
  AlarmAction,
  AlarmType,
  type AlarmMember,
  type AlarmRequest,
} from '../wire/maintenance.ts';
import { alarmsMax, type Alarms } from './alarms.ts';
import { applied, refused, type Applied, type StateChange } from './types.ts';

/**
 * Raising and disarming of alarms (etcd server/etcdserver/apply/backend.go, Alarm). An alarm that is there already
 * is answered as if it had just been raised; one that is not there is disarmed without an answer. Types that etcd
 * does not know are kept like the others, as etcd does, and refuse nothing.
 */
export function applyAlarm(alarms: Alarms, { action, memberId, alarm }: AlarmRequest): Applied {
  const asked: AlarmMember = { memberId, alarm };
  const changes: StateChange[] = [];
  let answered: readonly AlarmMember[] = [];
  if (action === AlarmAction.GET) answered = alarms.ofType(alarm);
  else if (action === AlarmAction.ACTIVATE && alarm !== AlarmType.NONE) {
    if (!alarms.has(asked)) {
      if (alarms.count >= alarmsMax) return refused(errors.tooManyRequests);
      changes.push(alarms.raise(asked));
    }
    answered = [asked];
  } else if (action === AlarmAction.DEACTIVATE && alarms.has(asked)) {
    changes.push(alarms.disarm(asked));
    answered = [asked];
  }
  return { ...applied(ok({ header: undefined, alarms: answered }), []), changes };
}
