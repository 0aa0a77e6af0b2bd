import type { Outcome } from '../types.ts';

/**
 * Which errors leave no doubt. There are two classes only: what certainly did not happen (fail), and what nobody
 * knows (info). Info is always right for a write, fail only where the text or the code proves it, so the table
 * lists the proofs; everything else is in doubt.
 */

/** A call that ended without an answer, or with an error for one. */
export class CallError extends Error {
  /** The gRPC status code. */
  readonly code: number;
  readonly text: string;
  /** Whether the request could change anything. */
  readonly isMutation: boolean;

  constructor(failure: { readonly code: number; readonly text: string }, isMutation: boolean) {
    super(`${failure.code}: ${failure.text}`);
    this.name = 'CallError';
    this.code = failure.code;
    this.text = failure.text;
    this.isMutation = isMutation;
  }
}

interface Proof {
  readonly code: number;
  /** The error's text holds this; undefined: the code says it all. */
  readonly text?: string;
  readonly why: string;
}

/** Sources: etcd server/etcdserver/v3_server.go, api/v3rpc/{key,lease,util}.go, apply/uber_apply.go; raft node.go. */
export const proofsOfFailure: readonly Proof[] = [
  { code: 3, why: 'InvalidArgument: the request is refused as it is (api/v3rpc/key.go)' },
  { code: 5, why: 'NotFound: applied, and there was no such lease (lease/lessor.go)' },
  { code: 6, why: 'AlreadyExists: applied, and refused' },
  { code: 7, why: 'PermissionDenied: applied, and refused (apply/apply_auth.go)' },
  { code: 8, text: 'too many requests', why: 'refused before it is proposed (v3_server.go)' },
  { code: 8, text: 'database space exceeded', why: 'refused before or by the apply (quota)' },
  { code: 9, why: 'FailedPrecondition: not leader, not capable, lease exists: refused' },
  { code: 11, why: 'OutOfRange: compacted, future revision, lease TTL: refused' },
  { code: 12, why: 'Unimplemented: nobody was there to do it' },
  { code: 16, why: 'Unauthenticated: the token is refused' },
  {
    code: 2,
    text: 'raft proposal dropped',
    why: 'never entered the log (raft ErrProposalDropped)',
  },
  {
    code: 2,
    text: 'election: not leader',
    why: 'its key was gone, so nothing was put (client/v3/concurrency/election.go)',
  },
  { code: 14, text: 'ECONNREFUSED', why: 'no connection, so that nothing was sent' },
];

/**
 * What an error says of the operation. What is not a CallError is a fault of the test and never an outcome: it is
 * thrown on.
 */
export function outcomeOf(error: unknown): Exclude<Outcome, 'ok'> {
  if (!(error instanceof CallError)) throw error;
  // A read that was not answered has told nobody anything.
  if (!error.isMutation) return 'fail';
  const isProven = proofsOfFailure.some(
    ({ code, text }) => code === error.code && (text === undefined || error.text.includes(text)),
  );
  return isProven ? 'fail' : 'info';
}
