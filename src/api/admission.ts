import type { Metadata } from '../grpc/types.ts';
import { noMember } from '../raft/types.ts';
import type { Member } from '../server/types.ts';
import { errors, type EtcdError } from '../wire/errors.ts';
import type { RpcMetrics } from './rpc-metrics.ts';

/** What decides whether a call is let in, before its request is looked at. */
export interface Admission {
  readonly type: 'unary' | 'stream';
  readonly metadata: Metadata;
  /** Whether a learner serves this request. */
  readonly isForLearners: boolean;
}

/** etcd's interceptors (server/etcdserver/api/v3rpc/interceptor.go), in their order. */
export function refuseCall(
  member: Member,
  metrics: RpcMetrics,
  { type, metadata, isForLearners }: Admission,
): EtcdError | undefined {
  if (!isForLearners && member.isLearner) return errors.notSupportedForLearner;
  const version = clientVersion(metadata);
  if (version === undefined) return errors.invalidClientApiVersion;
  metrics.clientRequest(type, version);
  return requiresLeader(metadata) && member.lead === noMember ? errors.noLeader : undefined;
}

/** clientv3's `WithRequireLeader`. */
export function requiresLeader(metadata: Metadata): boolean {
  return metadata.get('hasleader') === 'true';
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** The version that the client names, `unknown` without one; undefined when it is not UTF-8. */
function clientVersion(metadata: Metadata): string | undefined {
  const version = metadata.get('client-api-version');
  if (version === undefined) return 'unknown';
  // Header values are bytes: HTTP/2 hands them on as Latin-1, one character a byte.
  if (!/[\u0080-\u00ff]/.test(version)) return version;
  try {
    return strictUtf8.decode(Uint8Array.from(version, (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
