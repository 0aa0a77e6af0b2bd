import { sha1 } from '../host/sha1.ts';
import type { InitialMember } from '../config/server-config.ts';
import { clusterIdOf, memberIdOf } from '../membership/ids.ts';
import { encodeConfChangeContext } from '../membership/conf-change.ts';
import { MemberRecord } from '../membership/record.ts';
import { encodeConfChange } from '../raft/confchange.ts';
import type { Entry, HardState, MemberId } from '../raft/types.ts';
import { noMember } from '../raft/types.ts';

/**
 * How a new cluster begins: every first member writes the same entries to its own log, one for each first member,
 * in the order of their ids, at term 1 and committed (go.etcd.io/raft bootstrap.go). Membership thus comes out of
 * the log alone.
 */
export interface Bootstrap {
  readonly memberId: MemberId;
  readonly clusterId: bigint;
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
}

const bootstrapTerm = 1;

export function bootstrapCluster(
  name: string,
  initialCluster: readonly InitialMember[],
  token: string,
): Bootstrap {
  const members = firstMembers(initialCluster, token);
  const own = members.find((member) => member.name === name);
  if (own === undefined) throw new Error(`the initial cluster does not name "${name}"`);
  const entries = members.map((member, i): Entry => {
    const data = encodeConfChange({
      transition: 'auto',
      changes: [{ type: 'addVoter', memberId: member.id }],
      context: encodeConfChangeContext([member]),
    });
    return { term: bootstrapTerm, index: i + 1, type: 'confChange', data };
  });
  return {
    memberId: own.id,
    clusterId: clusterIdOf(
      members.map(({ id }) => id),
      sha1,
    ),
    entries,
    hardState: { term: bootstrapTerm, vote: noMember, commit: entries.length },
  };
}

function firstMembers(
  initialCluster: readonly InitialMember[],
  token: string,
): readonly MemberRecord[] {
  const urls = new Map<string, string[]>();
  for (const { name, peerUrl } of initialCluster) {
    const known = urls.get(name);
    if (known === undefined) urls.set(name, [peerUrl]);
    else known.push(peerUrl);
  }
  const members = [...urls].map(([name, peerUrls]) =>
    MemberRecord.create({ id: memberIdOf(peerUrls, token, sha1), name, peerUrls: peerUrls.sort() }),
  );
  return members.sort((a, b) => (a.id < b.id ? -1 : 1));
}
