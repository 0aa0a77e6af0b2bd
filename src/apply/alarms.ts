import { assert } from '../base/assert.ts';
import { readBigUint64, writeBigUint64, type Bytes } from '../base/bytes.ts';
import type { AlarmMember } from '../wire/maintenance.ts';
import type { StateChange } from './types.ts';

/**
 * The alarms in force, each of one member: replicated, and kept until disarmed (etcd
 * server/etcdserver/api/v3alarm).
 */
export class Alarms {
  private readonly alarms = new Map<string, AlarmMember>();

  private constructor() {}

  /** From the rows of the `alarm` space. */
  static load(rows: Iterable<{ readonly key: Bytes }>): Alarms {
    const alarms = new Alarms();
    for (const { key } of rows) {
      const alarm = decodeAlarmKey(key);
      alarms.alarms.set(nameOf(alarm), alarm);
    }
    return alarms;
  }

  /** By type, then by member. */
  list(): readonly AlarmMember[] {
    return [...this.alarms.values()].sort(
      (a, b) => a.alarm - b.alarm || (a.memberId < b.memberId ? -1 : 1),
    );
  }

  has(alarm: AlarmMember): boolean {
    return this.alarms.has(nameOf(alarm));
  }

  /** Whether any member has raised an alarm of this type. */
  isRaised(type: number): boolean {
    for (const { alarm } of this.alarms.values()) if (alarm === type) return true;
    return false;
  }

  raise(alarm: AlarmMember): StateChange {
    this.alarms.set(nameOf(alarm), alarm);
    return { space: 'alarm', key: encodeAlarmKey(alarm), value: new Uint8Array(0) };
  }

  disarm(alarm: AlarmMember): StateChange {
    this.alarms.delete(nameOf(alarm));
    return { space: 'alarm', key: encodeAlarmKey(alarm), value: undefined };
  }
}

/** A row key: the member id, 8 bytes, big-endian, then the type of the alarm in one byte. */
const keyBytes = 9;

function encodeAlarmKey({ memberId, alarm }: AlarmMember): Bytes {
  const key = new Uint8Array(keyBytes);
  writeBigUint64(key, 0, memberId);
  key[8] = alarm;
  return key;
}

function decodeAlarmKey(key: Bytes): AlarmMember {
  assert(key.length === keyBytes, `alarm row key has ${key.length} bytes`);
  return { memberId: readBigUint64(key, 0), alarm: key[8] as number };
}

function nameOf({ memberId, alarm }: AlarmMember): string {
  return `${memberId}/${alarm}`;
}
