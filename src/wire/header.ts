import { int64, message, uint64, uint64Id, type MessageOf } from './message.ts';

/** etcdserverpb.ResponseHeader: who answered, and at which revision and term. */
export const ResponseHeader = message('etcdserverpb.ResponseHeader', {
  clusterId: uint64Id(1),
  memberId: uint64Id(2),
  revision: int64(3),
  raftTerm: uint64(4),
});
export type ResponseHeader = MessageOf<typeof ResponseHeader>;
