import { CommandKind } from '../wire/command.ts';
import { errors, type EtcdError } from '../wire/errors.ts';
import type { TxnRequest } from '../wire/kv.ts';
import { AlarmType } from '../wire/maintenance.ts';
import type { Alarms } from './alarms.ts';
import { txnCostBytes } from './space-cost.ts';

/**
 * What the alarms in force refuse when it is applied (etcd server/etcdserver/apply, corrupt.go and capped.go):
 * replicated like the alarms, so that every member refuses the same entries. CORRUPT stands before NOSPACE.
 */
export function refusedByAlarm(alarms: Alarms, kind: CommandKind): EtcdError | undefined {
  if (alarms.count === 0) return undefined;
  if (changesData(kind) && alarms.isRaised(AlarmType.CORRUPT)) return errors.corrupt;
  const grows = kind === CommandKind.put || kind === CommandKind.leaseGrant;
  return grows && alarms.isRaised(AlarmType.NOSPACE) ? errors.noSpace : undefined;
}

/** NOSPACE refuses a transaction that has a Put anywhere, taken or not; one that only deletes makes room. */
export function isTxnRefusedForSpace(alarms: Alarms, request: TxnRequest): boolean {
  return alarms.isRaised(AlarmType.NOSPACE) && txnCostBytes(request) > 0;
}

/** Leases stay as they are in a corrupt cluster: their expiry deletes keys. */
function changesData(kind: CommandKind): boolean {
  switch (kind) {
    case CommandKind.put:
    case CommandKind.deleteRange:
    case CommandKind.txn:
    case CommandKind.compact:
    case CommandKind.leaseGrant:
    case CommandKind.leaseRevoke:
    case CommandKind.leaseExpire:
      return true;
    default:
      return false;
  }
}
