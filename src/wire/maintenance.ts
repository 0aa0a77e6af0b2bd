import { ResponseHeader } from './header.ts';
import {
  bool,
  enumeration,
  int64,
  message,
  nested,
  repeatedNested,
  repeatedString,
  string,
  uint32,
  uint64,
  uint64Id,
  type MessageOf,
} from './message.ts';

/** The messages of service etcdserverpb.Maintenance. Field numbers are etcd's (api/etcdserverpb/rpc.proto). */

export const AlarmType = { NONE: 0, NOSPACE: 1, CORRUPT: 2 } as const;
/** The name of a type, or its number: etcd keeps alarms of types that it does not know. */
export function describeAlarmType(type: number): string {
  const found = Object.entries(AlarmType).find(([, value]) => value === type);
  return found === undefined ? String(type) : found[0];
}

export const AlarmAction = { GET: 0, ACTIVATE: 1, DEACTIVATE: 2 } as const;

export const AlarmRequest = message('etcdserverpb.AlarmRequest', {
  action: enumeration(1),
  memberId: uint64Id(2),
  alarm: enumeration(3),
});
export type AlarmRequest = MessageOf<typeof AlarmRequest>;

export const AlarmMember = message('etcdserverpb.AlarmMember', {
  memberId: uint64Id(1),
  alarm: enumeration(2),
});
export type AlarmMember = MessageOf<typeof AlarmMember>;

export const AlarmResponse = message('etcdserverpb.AlarmResponse', {
  header: nested(1, ResponseHeader),
  alarms: repeatedNested(2, AlarmMember),
});
export type AlarmResponse = MessageOf<typeof AlarmResponse>;

export const StatusRequest = message('etcdserverpb.StatusRequest', {});
export type StatusRequest = MessageOf<typeof StatusRequest>;

export const DowngradeInfo = message('etcdserverpb.DowngradeInfo', {
  enabled: bool(1),
  targetVersion: string(2),
});
export type DowngradeInfo = MessageOf<typeof DowngradeInfo>;

export const StatusResponse = message('etcdserverpb.StatusResponse', {
  header: nested(1, ResponseHeader),
  version: string(2),
  dbSize: int64(3),
  leader: uint64Id(4),
  raftIndex: uint64(5),
  raftTerm: uint64(6),
  raftAppliedIndex: uint64(7),
  errors: repeatedString(8),
  dbSizeInUse: int64(9),
  isLearner: bool(10),
  storageVersion: string(11),
  dbSizeQuota: int64(12),
  downgradeInfo: nested(13, DowngradeInfo),
});
export type StatusResponse = MessageOf<typeof StatusResponse>;

export const DefragmentRequest = message('etcdserverpb.DefragmentRequest', {});
export const DefragmentResponse = message('etcdserverpb.DefragmentResponse', {
  header: nested(1, ResponseHeader),
});

export const HashRequest = message('etcdserverpb.HashRequest', {});
export const HashResponse = message('etcdserverpb.HashResponse', {
  header: nested(1, ResponseHeader),
  hash: uint32(2),
});
export type HashResponse = MessageOf<typeof HashResponse>;

export const HashKVRequest = message('etcdserverpb.HashKVRequest', { revision: int64(1) });
export type HashKVRequest = MessageOf<typeof HashKVRequest>;

export const HashKVResponse = message('etcdserverpb.HashKVResponse', {
  header: nested(1, ResponseHeader),
  hash: uint32(2),
  compactRevision: int64(3),
  hashRevision: int64(4),
});
export type HashKVResponse = MessageOf<typeof HashKVResponse>;

export const MoveLeaderRequest = message('etcdserverpb.MoveLeaderRequest', {
  targetId: uint64Id(1),
});
export type MoveLeaderRequest = MessageOf<typeof MoveLeaderRequest>;

export const MoveLeaderResponse = message('etcdserverpb.MoveLeaderResponse', {
  header: nested(1, ResponseHeader),
});
