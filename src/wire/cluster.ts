import { ResponseHeader } from './header.ts';
import {
  bool,
  message,
  nested,
  repeatedNested,
  repeatedString,
  string,
  uint64Id,
  type MessageOf,
} from './message.ts';

/** The messages of service etcdserverpb.Cluster. Field numbers are etcd's (api/etcdserverpb/rpc.proto). */

export const Member = message('etcdserverpb.Member', {
  id: uint64Id(1),
  name: string(2),
  peerUrls: repeatedString(3),
  clientUrls: repeatedString(4),
  isLearner: bool(5),
});
export type Member = MessageOf<typeof Member>;

export const MemberListRequest = message('etcdserverpb.MemberListRequest', {
  linearizable: bool(1),
});
export type MemberListRequest = MessageOf<typeof MemberListRequest>;

export const MemberListResponse = message('etcdserverpb.MemberListResponse', {
  header: nested(1, ResponseHeader),
  members: repeatedNested(2, Member),
});
export type MemberListResponse = MessageOf<typeof MemberListResponse>;
