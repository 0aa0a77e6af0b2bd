/**
 * Every method of every service that etcd 3.7 serves, built here or not (etcd
 * api/etcdserverpb/rpc.proto, and server/etcdserver/api/v3lock and v3election; grpc.health.v1 is
 * gRPC's own).
 */

export type MethodKind = 'unary' | 'serverStream' | 'bidi';

export interface Method {
  /** For example `/etcdserverpb.KV/Put`. */
  readonly path: string;
  readonly service: string;
  readonly name: string;
  readonly kind: MethodKind;
}

/** Names with what sets a method apart from a unary one. */
const services: Readonly<Record<string, Readonly<Record<string, MethodKind>>>> = {
  'etcdserverpb.KV': {
    ...unary('Range', 'Put', 'DeleteRange', 'Txn', 'Compact'),
    RangeStream: 'serverStream',
  },
  'etcdserverpb.Watch': { Watch: 'bidi' },
  'etcdserverpb.Lease': {
    ...unary('LeaseGrant', 'LeaseRevoke', 'LeaseTimeToLive', 'LeaseLeases'),
    LeaseKeepAlive: 'bidi',
  },
  'etcdserverpb.Cluster': unary(
    'MemberAdd',
    'MemberRemove',
    'MemberUpdate',
    'MemberList',
    'MemberPromote',
  ),
  'etcdserverpb.Maintenance': {
    ...unary('Alarm', 'Status', 'Defragment', 'Hash', 'HashKV', 'MoveLeader', 'Downgrade'),
    Snapshot: 'serverStream',
  },
  'etcdserverpb.Auth': {
    ...unary('AuthEnable', 'AuthDisable', 'AuthStatus', 'Authenticate'),
    ...unary('UserAdd', 'UserGet', 'UserList', 'UserDelete', 'UserChangePassword'),
    ...unary('UserGrantRole', 'UserRevokeRole'),
    ...unary('RoleAdd', 'RoleGet', 'RoleList', 'RoleDelete'),
    ...unary('RoleGrantPermission', 'RoleRevokePermission'),
  },
  'v3lockpb.Lock': unary('Lock', 'Unlock'),
  'v3electionpb.Election': {
    ...unary('Campaign', 'Proclaim', 'Leader', 'Resign'),
    Observe: 'serverStream',
  },
  'grpc.health.v1.Health': { ...unary('Check', 'List'), Watch: 'serverStream' },
};

export const methods: readonly Method[] = Object.entries(services).flatMap(([service, kinds]) =>
  Object.entries(kinds).map(([name, kind]) => ({
    path: `/${service}/${name}`,
    service,
    name,
    kind,
  })),
);

function unary(...names: readonly string[]): Readonly<Record<string, MethodKind>> {
  return Object.fromEntries(names.map((name) => [name, 'unary']));
}
