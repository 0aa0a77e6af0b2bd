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

export const MemberAddRequest = message('etcdserverpb.MemberAddRequest', {
  peerUrls: repeatedString(1),
  isLearner: bool(2),
});
export type MemberAddRequest = MessageOf<typeof MemberAddRequest>;

export const MemberAddResponse = message('etcdserverpb.MemberAddResponse', {
  header: nested(1, ResponseHeader),
  member: nested(2, Member),
  members: repeatedNested(3, Member),
});
export type MemberAddResponse = MessageOf<typeof MemberAddResponse>;

export const MemberRemoveRequest = message('etcdserverpb.MemberRemoveRequest', {
  id: uint64Id(1),
});
export type MemberRemoveRequest = MessageOf<typeof MemberRemoveRequest>;

export const MemberRemoveResponse = message('etcdserverpb.MemberRemoveResponse', {
  header: nested(1, ResponseHeader),
  members: repeatedNested(2, Member),
});
export type MemberRemoveResponse = MessageOf<typeof MemberRemoveResponse>;

export const MemberUpdateRequest = message('etcdserverpb.MemberUpdateRequest', {
  id: uint64Id(1),
  peerUrls: repeatedString(2),
});
export type MemberUpdateRequest = MessageOf<typeof MemberUpdateRequest>;

export const MemberUpdateResponse = message('etcdserverpb.MemberUpdateResponse', {
  header: nested(1, ResponseHeader),
  members: repeatedNested(2, Member),
});
export type MemberUpdateResponse = MessageOf<typeof MemberUpdateResponse>;

export const MemberPromoteRequest = message('etcdserverpb.MemberPromoteRequest', {
  id: uint64Id(1),
});
export type MemberPromoteRequest = MessageOf<typeof MemberPromoteRequest>;

export const MemberPromoteResponse = message('etcdserverpb.MemberPromoteResponse', {
  header: nested(1, ResponseHeader),
  members: repeatedNested(2, Member),
});
export type MemberPromoteResponse = MessageOf<typeof MemberPromoteResponse>;
