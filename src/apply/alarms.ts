import type { Bytes } from '../base/bytes.ts';
import { AlarmMember, AlarmType } from '../wire/maintenance.ts';
import type { StateChange } from './types.ts';

/** Clients may raise alarms of any type in any member's name: beyond this many they are refused. */
export const alarmsMax = 1000;

/**
 * The alarms in force, each of one member: replicated, and kept until disarmed (etcd
 * server/etcdserver/api/v3alarm). A row's key is the encoded `AlarmMember`, as in etcd; its value is empty.
 */
export class Alarms {
  private readonly alarms = new Map<string, AlarmMember>();

  private constructor() {}

  /** From the rows of the `alarm` space. */
  static load(rows: Iterable<{ readonly key: Bytes }>): Alarms {
    const alarms = new Alarms();
    for (const { key } of rows) {
      const alarm = AlarmMember.decode(key);
      alarms.alarms.set(nameOf(alarm), alarm);
    }
    return alarms;
  }

  get count(): number {
    return this.alarms.size;
  }

  /** By type, then by member. */
  list(): readonly AlarmMember[] {
    return [...this.alarms.values()].sort(
      (a, b) => a.alarm - b.alarm || (a.memberId < b.memberId ? -1 : 1),
    );
  }

  /** Those of one type; of all types for NONE. */
  ofType(type: number): readonly AlarmMember[] {
    const all = this.list();
    return type === AlarmType.NONE ? all : all.filter(({ alarm }) => alarm === type);
  }

  has(alarm: AlarmMember): boolean {
    return this.alarms.has(nameOf(alarm));
  }

  /** Whether an alarm of this type is in force for any member. */
  isRaised(type: number): boolean {
    if (this.alarms.size === 0) return false;
    for (const { alarm } of this.alarms.values()) if (alarm === type) return true;
    return false;
  }

  raise(alarm: AlarmMember): StateChange {
    this.alarms.set(nameOf(alarm), alarm);
    return { space: 'alarm', key: AlarmMember.encode(alarm), value: new Uint8Array(0) };
  }

  disarm(alarm: AlarmMember): StateChange {
    this.alarms.delete(nameOf(alarm));
    return { space: 'alarm', key: AlarmMember.encode(alarm), value: undefined };
  }
}

function nameOf({ memberId, alarm }: AlarmMember): string {
  return `${memberId}/${alarm}`;
}
