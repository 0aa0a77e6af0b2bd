import { CommandKind } from '../wire/command.ts';
import type { PutRequest, RequestOp, TxnRequest } from '../wire/kv.ts';

/**
 * About how many bytes a request adds to the store (etcd server/storage/quota.go). What has no cost is never refused
 * for want of space: it is what makes room.
 */

const keyOverheadBytes = 256;
export const leaseGrantCostBytes = 64;

export function putCostBytes({ key, value }: PutRequest): number {
  return keyOverheadBytes + key.length + value.length;
}

/** Of the branch that costs more, for it is not known which will be taken. */
export function txnCostBytes({ success, failure }: TxnRequest): number {
  return Math.max(operationsCostBytes(success), operationsCostBytes(failure));
}

function operationsCostBytes(operations: readonly RequestOp[]): number {
  let total = 0;
  for (const { request } of operations) {
    if (request?.case === 'requestPut') total += putCostBytes(request.value);
    else if (request?.case === 'requestTxn') total += txnCostBytes(request.value);
  }
  return total;
}

/** No request of these bytes costs more: each Put in it takes a byte at least. For judging without decoding. */
export function costBytesAtMost(kind: CommandKind, requestBytes: number): number {
  switch (kind) {
    case CommandKind.put:
    case CommandKind.txn:
      return (keyOverheadBytes + 1) * requestBytes;
    case CommandKind.leaseGrant:
      return leaseGrantCostBytes;
    default:
      return 0;
  }
}
