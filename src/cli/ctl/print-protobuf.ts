import { MemberListResponse } from '../../wire/cluster.ts';
import { DeleteRangeResponse, PutResponse, RangeResponse, TxnResponse } from '../../wire/kv.ts';
import { badFeature } from './exit.ts';
import type { Printer } from './output.ts';

const unsupported = (): never => {
  throw badFeature('protobuf not supported as output format');
};

/** `-w protobuf`: the encoded answer, with nothing around it. */
export const protobufPrinter: Printer = {
  get: (response) => ({ out: RangeResponse.encode(response), err: '' }),
  put: (response) => ({ out: PutResponse.encode(response), err: '' }),
  del: (response) => ({ out: DeleteRangeResponse.encode(response), err: '' }),
  txn: (response) => ({ out: TxnResponse.encode(response), err: '' }),
  memberList: (response) => ({ out: MemberListResponse.encode(response), err: '' }),
  endpointHealth: unsupported,
  endpointStatus: unsupported,
  endpointHashKv: unsupported,
};
