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
  memberBadUrls: error(Code.InvalidArgument, 'given member URLs are invalid'),
  requestTooLarge: error(Code.InvalidArgument, 'request is too large'),
  compacted: error(Code.OutOfRange, 'mvcc: required revision has been compacted'),
  futureRevision: error(Code.OutOfRange, 'mvcc: required revision is a future revision'),
  noSpace: error(Code.ResourceExhausted, 'mvcc: database space exceeded'),
  // rpctypes holds this one as a client-side error, so it reaches the wire as Unknown.
  tooManyRequests: error(Code.Unknown, 'too many requests'),
  leaseNotFound: error(Code.NotFound, 'requested lease not found'),
  memberNotFound: error(Code.NotFound, 'member not found'),
  memberExists: error(Code.FailedPrecondition, 'member ID already exist'),
  peerUrlExists: error(Code.FailedPrecondition, 'Peer URLs already exists'),
  clusterIdMismatch: error(Code.FailedPrecondition, 'cluster ID mismatch'),
  notLeader: error(Code.FailedPrecondition, 'not leader'),
  notCapable: error(Code.FailedPrecondition, 'not capable'),
  notSupportedForLearner: error(Code.FailedPrecondition, 'rpc not supported for learner'),
  badLeaderTransferee: error(Code.FailedPrecondition, 'bad leader transferee'),
  requestCanceled: error(Code.Canceled, 'request canceled'),
  noLeader: error(Code.Unavailable, 'no leader'),
  leaderChanged: error(Code.Unavailable, 'leader changed'),
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
  timeoutLeaderTransfer: error(
    Code.Unknown,
    'request timed out, leader transfer took too long',
  ),
  unhealthy: error(Code.Unavailable, 'unhealthy cluster'),
  corrupt: error(Code.DataLoss, 'corrupt cluster'),
  deadlineExceeded: { code: Code.DeadlineExceeded, text: 'context deadline exceeded' },
} as const satisfies Record<string, EtcdError>;

/** A result or an error from the table: how every layer says that a request failed. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: EtcdError };

export const ok = <T>(value: T): Outcome<T> => ({ ok: true, value });
export const failed = (error: EtcdError): Outcome<never> => ({ ok: false, error });
