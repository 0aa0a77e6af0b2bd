/**
 * Every error that etcd's clients see: one table, gRPC code and exact text (etcd
 * api/v3rpc/rpctypes/error.go). Clients match the text, so it is part of the interface.
 */

/** gRPC status codes (grpc.io, "Status codes and their use"). */
export const Code = {
  OK: 0,
  Canceled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
  Unauthenticated: 16,
} as const;
export type Code = (typeof Code)[keyof typeof Code];

/** An error as a value: what went wrong, as a gRPC status says it. */
export interface EtcdError {
  readonly code: Code;
  readonly text: string;
}

const error = (code: Code, text: string): EtcdError => ({ code, text: `etcdserver: ${text}` });

export const errors = {
  emptyKey: error(Code.InvalidArgument, 'key is not provided'),
  keyNotFound: error(Code.InvalidArgument, 'key not found'),
  valueProvided: error(Code.InvalidArgument, 'value is provided'),
  leaseProvided: error(Code.InvalidArgument, 'lease is provided'),
  tooManyOps: error(Code.InvalidArgument, 'too many operations in txn request'),
  duplicateKey: error(Code.InvalidArgument, 'duplicate key given in txn request'),
  invalidClientApiVersion: error(Code.InvalidArgument, 'invalid client api version'),
  invalidSortOption: error(Code.InvalidArgument, 'invalid sort option'),
  compacted: error(Code.OutOfRange, 'mvcc: required revision has been compacted'),
  futureRevision: error(Code.OutOfRange, 'mvcc: required revision is a future revision'),
  noSpace: error(Code.ResourceExhausted, 'mvcc: database space exceeded'),

  leaseNotFound: error(Code.NotFound, 'requested lease not found'),
  leaseExists: error(Code.FailedPrecondition, 'lease already exists'),
  leaseTtlTooLarge: error(Code.OutOfRange, 'too large lease TTL'),

  watchCanceled: error(Code.Canceled, 'watch canceled'),

  memberExists: error(Code.FailedPrecondition, 'member ID already exist'),
  peerUrlExists: error(Code.FailedPrecondition, 'Peer URLs already exists'),
  memberNotEnoughStarted: clientSide('re-configuration failed due to not enough started members'),
  memberBadUrls: error(Code.InvalidArgument, 'given member URLs are invalid'),
  memberNotFound: error(Code.NotFound, 'member not found'),
  memberNotLearner: error(Code.FailedPrecondition, 'can only promote a learner member'),
  learnerNotReady: error(
    Code.FailedPrecondition,
    'can only promote a learner member which is in sync with leader',
  ),
  tooManyLearners: error(Code.FailedPrecondition, 'too many learner members in cluster'),
  clusterIdMismatch: error(Code.FailedPrecondition, 'cluster ID mismatch'),

  requestTooLarge: error(Code.InvalidArgument, 'request is too large'),
  tooManyRequests: clientSide('too many requests'),

  rootUserNotExist: error(Code.FailedPrecondition, 'root user does not exist'),
  rootRoleNotExist: error(Code.FailedPrecondition, 'root user does not have root role'),
  userExists: error(Code.FailedPrecondition, 'user name already exists'),
  userEmpty: error(Code.InvalidArgument, 'user name is empty'),
  userNotFound: error(Code.FailedPrecondition, 'user name not found'),
  roleExists: error(Code.FailedPrecondition, 'role name already exists'),
  roleNotFound: error(Code.FailedPrecondition, 'role name not found'),
  roleEmpty: error(Code.InvalidArgument, 'role name is empty'),
  authFailed: error(Code.InvalidArgument, 'authentication failed, invalid user ID or password'),
  permissionNotGiven: error(Code.InvalidArgument, 'permission not given'),
  permissionDenied: error(Code.PermissionDenied, 'permission denied'),
  roleNotGranted: error(Code.FailedPrecondition, 'role is not granted to the user'),
  permissionNotGranted: error(Code.FailedPrecondition, 'permission is not granted to the role'),
  authNotEnabled: error(Code.FailedPrecondition, 'authentication is not enabled'),
  invalidAuthToken: error(Code.Unauthenticated, 'invalid auth token'),
  invalidAuthManagement: error(Code.InvalidArgument, 'invalid auth management'),
  authOldRevision: error(Code.InvalidArgument, 'revision of auth store is old'),

  noLeader: error(Code.Unavailable, 'no leader'),
  notLeader: error(Code.FailedPrecondition, 'not leader'),
  leaderChanged: error(Code.Unavailable, 'leader changed'),
  notCapable: error(Code.FailedPrecondition, 'not capable'),
  stopped: error(Code.Unavailable, 'server stopped'),
  timeout: error(Code.Unavailable, 'request timed out'),
  timeoutLeaderFailure: error(
    Code.Unavailable,
    'request timed out, possibly due to previous leader failure',
  ),
  timeoutConnectionLost: error(
    Code.Unavailable,
    'request timed out, possibly due to connection lost',
  ),
  timeoutWaitingApplied: error(
    Code.Unavailable,
    'request timed out, waiting for the applied index took too long',
  ),
  // Not in rpctypes' table, so it reaches the wire as Unknown.
  timeoutLeaderTransfer: error(Code.Unknown, 'request timed out, leader transfer took too long'),
  unhealthy: error(Code.Unavailable, 'unhealthy cluster'),
  corrupt: error(Code.DataLoss, 'corrupt cluster'),
  notSupportedForLearner: error(Code.FailedPrecondition, 'rpc not supported for learner'),
  badLeaderTransferee: error(Code.FailedPrecondition, 'bad leader transferee'),

  wrongDowngradeVersionFormat: error(Code.InvalidArgument, 'wrong downgrade target version format'),
  invalidDowngradeTargetVersion: error(Code.InvalidArgument, 'invalid downgrade target version'),
  clusterVersionUnavailable: error(
    Code.FailedPrecondition,
    'cluster version not found during downgrade',
  ),
  downgradeInProcess: error(Code.FailedPrecondition, 'cluster has a downgrade job in progress'),
  noInflightDowngrade: error(Code.FailedPrecondition, 'no inflight downgrade job'),

  requestCanceled: error(Code.Canceled, 'request canceled'),
  // What gRPC itself says of a call whose caller is gone; etcd lets these two through as they are.
  contextCanceled: { code: Code.Canceled, text: 'context canceled' },
  deadlineExceeded: { code: Code.DeadlineExceeded, text: 'context deadline exceeded' },
} as const satisfies Record<string, EtcdError>;

/**
 * etcd maps these to its client's values of the errors (api/v3rpc/util.go), which gRPC does not
 * know as a status: whatever code the table of rpctypes gives, they reach the wire as Unknown.
 */
function clientSide(text: string): EtcdError {
  return error(Code.Unknown, text);
}

/** A message beyond the transport's limit, in grpc-go's words: refused before it is read whole. */
export function messageTooLarge(sizeBytes: number, sizeBytesMax: number): EtcdError {
  return {
    code: Code.ResourceExhausted,
    text: `grpc: received message larger than max (${sizeBytes} vs. ${sizeBytesMax})`,
  };
}

/** An answer beyond what grpc-go sends (its server.go, sendResponse). */
export function messageTooLargeToSend(sizeBytes: number, sizeBytesMax: number): EtcdError {
  return {
    code: Code.ResourceExhausted,
    text: `grpc: trying to send message larger than max (${sizeBytes} vs. ${sizeBytesMax})`,
  };
}

/** A result or an error from the table: how every layer says that a request failed. */
export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: EtcdError };

export const ok = <T>(value: T): Outcome<T> => ({ ok: true, value });
export const failed = (error: EtcdError): Outcome<never> => ({ ok: false, error });
