import type { Member } from '../server/types.ts';
import type { ResponseHeader } from '../wire/header.ts';

/**
 * The header of an answer (etcd server/etcdserver/api/v3rpc/header.go): apply leaves the revision at which it
 * answered, the rest is the member's; without one the revision is the store's now.
 */
export function fillHeader(member: Member, applied?: ResponseHeader): ResponseHeader {
  const revision = applied?.revision ?? 0;
  return fillHeaderWithoutRevision(member, revision === 0 ? member.revision : revision);
}

/** As it is where the answer has no revision of its own to fall back to: Cluster's answers, RangeStream's. */
export function fillHeaderWithoutRevision(member: Member, revision = 0): ResponseHeader {
  return { clusterId: member.clusterId, memberId: member.id, revision, raftTerm: member.term };
}
