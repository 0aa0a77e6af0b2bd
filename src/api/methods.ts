import type { Handler } from '../grpc/types.ts';

/**
 * Every method of etcd 3.7, whether it is built or not (etcd api/etcdserverpb/rpc.proto and
 * server/etcdserver/api/v3lock, v3election).
 */
export interface Method {
  readonly path: string;
  readonly service: string;
  readonly name: string;
  readonly kind: Handler['kind'];
}

const streams: Readonly<Record<string, Handler['kind']>> = {
  '/etcdserverpb.KV/RangeStream': 'serverStream',
  '/etcdserverpb.Watch/Watch': 'bidi',
  '/etcdserverpb.Lease/LeaseKeepAlive': 'bidi',
  '/etcdserverpb.Maintenance/Snapshot': 'serverStream',
  '/v3electionpb.Election/Observe': 'serverStream',
  '/grpc.health.v1.Health/Watch': 'serverStream',
};

const services: Readonly<Record<string, string>> = {
  'etcdserverpb.KV': 'Range RangeStream Put DeleteRange Txn Compact',
  'etcdserverpb.Watch': 'Watch',
  'etcdserverpb.Lease': 'LeaseGrant LeaseRevoke LeaseKeepAlive LeaseTimeToLive LeaseLeases',
  'etcdserverpb.Cluster': 'MemberAdd MemberRemove MemberUpdate MemberList MemberPromote',
  'etcdserverpb.Maintenance': 'Alarm Status Defragment Hash HashKV Snapshot MoveLeader Downgrade',
  'etcdserverpb.Auth':
    'AuthEnable AuthDisable AuthStatus Authenticate ' +
    'UserAdd UserGet UserList UserDelete UserChangePassword UserGrantRole UserRevokeRole ' +
    'RoleAdd RoleGet RoleList RoleDelete RoleGrantPermission RoleRevokePermission',
  'v3lockpb.Lock': 'Lock Unlock',
  'v3electionpb.Election': 'Campaign Proclaim Leader Observe Resign',
  'grpc.health.v1.Health': 'Check List Watch',
};

export const methods: readonly Method[] = Object.entries(services).flatMap(([service, names]) =>
  names.split(' ').map((name) => {
    const path = `/${service}/${name}`;
    return { path, service, name, kind: streams[path] ?? 'unary' };
  }),
);
