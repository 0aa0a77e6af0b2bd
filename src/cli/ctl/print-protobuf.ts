import {
  MemberAddResponse,
  MemberListResponse,
  MemberPromoteResponse,
  MemberRemoveResponse,
  MemberUpdateResponse,
} from '../../wire/cluster.ts';
import { ResponseHeader } from '../../wire/header.ts';
import { DeleteRangeResponse, PutResponse, RangeResponse, TxnResponse } from '../../wire/kv.ts';
import { AlarmResponse, MoveLeaderResponse } from '../../wire/maintenance.ts';
import { WatchResponse } from '../../wire/watch.ts';
import { badFeature } from './exit.ts';
import type { Printed, Printer } from './output.ts';

const unsupported = (): never => {
  throw badFeature('protobuf not supported as output format');
};

/** etcdctl's answers about leases are no messages any more, but hold their header as if they were it. */
const headerOnly = ({ header }: { readonly header: ResponseHeader | undefined }): Printed => ({
  out: ResponseHeader.encode(header ?? {}),
  err: '',
});

/** `-w protobuf`: the encoded answer, with nothing around it. */
export const protobufPrinter: Printer = {
  get: (response) => ({ out: RangeResponse.encode(response), err: '' }),
  put: (response) => ({ out: PutResponse.encode(response), err: '' }),
  del: (response) => ({ out: DeleteRangeResponse.encode(response), err: '' }),
  txn: (response) => ({ out: TxnResponse.encode(response), err: '' }),
  watch: ({ header, events, compactRevision, canceled }) => ({
    out: WatchResponse.encode({ header, events, compactRevision, canceled }),
    err: '',
  }),
  leaseGrant: headerOnly,
  leaseRevoke: () => {
    throw badFeature('marshal unsupported for type *clientv3.LeaseRevokeResponse');
  },
  leaseKeepAlive: headerOnly,
  leaseTimeToLive: headerOnly,
  leaseList: headerOnly,
  memberAdd: (response) => ({ out: MemberAddResponse.encode(response), err: '' }),
  memberRemove: (_id, response) => ({ out: MemberRemoveResponse.encode(response), err: '' }),
  memberUpdate: (_id, response) => ({ out: MemberUpdateResponse.encode(response), err: '' }),
  memberPromote: (_id, response) => ({ out: MemberPromoteResponse.encode(response), err: '' }),
  memberList: (response) => ({ out: MemberListResponse.encode(response), err: '' }),
  alarms: (response) => ({ out: AlarmResponse.encode(response), err: '' }),
  moveLeader: (_from, _to, response) => ({ out: MoveLeaderResponse.encode(response), err: '' }),
  endpointHealth: unsupported,
  endpointStatus: unsupported,
  endpointHashKv: unsupported,
};
