import type { Bytes } from '../../base/bytes.ts';
import type {
  MemberAddResponse,
  MemberListResponse,
  MemberPromoteResponse,
  MemberRemoveResponse,
  MemberUpdateResponse,
} from '../../wire/cluster.ts';
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  TxnResponse,
} from '../../wire/kv.ts';
import type {
  LeaseGrantResponse,
  LeaseKeepAliveResponse,
  LeaseLeasesResponse,
  LeaseRevokeResponse,
  LeaseTimeToLiveResponse,
} from '../../wire/lease.ts';
import type {
  AlarmResponse,
  HashKVResponse,
  MoveLeaderResponse,
  StatusResponse,
} from '../../wire/maintenance.ts';
import type { MessageOf } from '../../wire/message.ts';
import type { WatchResponse } from '../../wire/watch.ts';

export interface EndpointHealth {
  readonly endpoint: string;
  readonly isHealthy: boolean;
  /** A Go duration; empty when nothing was sent. */
  readonly took: string;
  readonly error: string;
}

export interface EndpointStatus {
  readonly endpoint: string;
  readonly response: StatusResponse;
}

export interface EndpointHashKv {
  readonly endpoint: string;
  readonly response: HashKVResponse;
}

/** What a format writes for an answer: bytes as they go to stdout, and lines that belong on stderr. */
export interface Printed {
  readonly out: Bytes;
  readonly err: string;
}

/**
 * One output format of etcdctl (ctlv3/command/printer*.go). Answers that a format cannot show throw
 * `CtlError`.
 */
export interface Printer {
  get(response: RangeResponse): Printed;
  put(response: PutResponse): Printed;
  del(response: DeleteRangeResponse): Printed;
  txn(response: TxnResponse): Printed;
  watch(response: WatchResponse): Printed;
  leaseGrant(response: LeaseGrantResponse): Printed;
  leaseRevoke(id: bigint, response: LeaseRevokeResponse): Printed;
  leaseKeepAlive(response: LeaseKeepAliveResponse): Printed;
  leaseTimeToLive(response: LeaseTimeToLiveResponse, withKeys: boolean): Printed;
  leaseList(response: LeaseLeasesResponse): Printed;
  memberAdd(response: MemberAddResponse): Printed;
  memberRemove(id: bigint, response: MemberRemoveResponse): Printed;
  memberUpdate(id: bigint, response: MemberUpdateResponse): Printed;
  memberPromote(id: bigint, response: MemberPromoteResponse): Printed;
  memberList(response: MemberListResponse): Printed;
  endpointHealth(list: readonly EndpointHealth[]): Printed;
  endpointStatus(list: readonly EndpointStatus[]): Printed;
  endpointHashKv(list: readonly EndpointHashKv[]): Printed;
  alarms(response: AlarmResponse): Printed;
  moveLeader(from: bigint, to: bigint, response: MessageOf<typeof MoveLeaderResponse>): Printed;
}
