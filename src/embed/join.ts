import type { ServerConfig } from '../config/server-config.ts';
import {
  describeUrlDifference,
  verifyJoin,
  type ResolveHost,
  resolveByDns,
} from '../config/verify-bootstrap.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Logger } from '../host/logger.ts';
import {
  askClusterBy,
  type AskCluster,
  type ClusterAnswer,
  type ClusterDescription,
  type DescribedMember,
} from '../peer/cluster-query.ts';
import type { MemberId } from '../raft/types.ts';

/**
 * How a member that was added to a running cluster learns who it is: it asks those of --initial-cluster, and takes
 * the id of the record that has its own peer URLs (etcd server/etcdserver/bootstrap.go,
 * `bootstrapExistingClusterNoWAL`).
 */
export interface JoinedCluster {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  readonly lineage: Bytes;
}

const askTimeoutMs = 5_000;
/** etcd gives up at once; here a member may be started before those that it joins. */
const joinTimeoutMs = 60_000;
const pauseMs = 500;
/** The one that answers may yet have to hear of the newcomer. */
const mismatchesMax = 6;

export interface JoinParts {
  readonly config: ServerConfig;
  readonly logger: Logger;
  readonly ask?: AskCluster;
  readonly resolve?: ResolveHost;
  readonly pause?: (ms: number) => Promise<void>;
}

/** Rejects with what is wrong when the configuration does not fit the cluster, or none answers. */
export async function joinCluster(parts: JoinParts): Promise<JoinedCluster> {
  const { config, logger, ask = askClusterBy(config.grpcEngine), pause = sleep } = parts;
  const problem = verifyJoin(config);
  if (problem !== undefined) throw new Error(problem);
  const urls = otherPeerUrls(config);
  let mismatches = 0;
  for (let waitedMs = 0; ; waitedMs += pauseMs) {
    const answers = await Promise.all(urls.map((url) => ask(url, askTimeoutMs)));
    const cluster = newestOf(answers);
    if (cluster === undefined) {
      const why = describeSilence(urls, answers);
      if (urls.length === 0 || waitedMs >= joinTimeoutMs) throw new Error(why);
      if (waitedMs % 5_000 === 0) {
        logger.log('warn', 'no member to join answers yet; trying again', { reason: why });
      }
    } else {
      const match = await matchCluster(parts, cluster);
      if (match.ok) return { ...match.joined };
      if (match.isFinal || ++mismatches >= mismatchesMax) throw new Error(match.reason);
      if (mismatches === 1) {
        logger.log('warn', 'the cluster does not fit this member yet; asking again', {
          reason: match.reason,
        });
      }
    }
    await pause(pauseMs);
  }
}

/**
 * Whether the member has been part of the cluster before: then its data is gone, and it must not begin again under
 * the same id (etcd, `isMemberBootstrapped`). Nobody to ask means no.
 */
export async function wasBootstrapped(
  config: ServerConfig,
  memberId: MemberId,
  ask: AskCluster = askClusterBy(config.grpcEngine),
): Promise<boolean> {
  const answers = await Promise.all(
    otherPeerUrls(config).map((url) => ask(url, bootstrappedTimeoutMs)),
  );
  const known = newestOf(answers)?.members.find(({ id }) => id === memberId);
  return known !== undefined && known.clientUrls.length > 0;
}

const bootstrappedTimeoutMs = 1_000;

function otherPeerUrls({ name, initialCluster }: ServerConfig): readonly string[] {
  return initialCluster
    .filter((member) => member.name !== name)
    .map(({ peerUrl }) => peerUrl)
    .sort();
}

/** Of several answers the one that has applied most: an old one may name a member that was replaced. */
function newestOf(answers: readonly ClusterAnswer[]): ClusterDescription | undefined {
  let newest: ClusterDescription | undefined;
  for (const answer of answers) {
    if (!answer.ok || answer.cluster.members.length === 0) continue;
    if (newest === undefined || answer.cluster.appliedIndex > newest.appliedIndex) {
      newest = answer.cluster;
    }
  }
  return newest;
}

function describeSilence(urls: readonly string[], answers: readonly ClusterAnswer[]): string {
  const reasons = answers.map((answer, i) =>
    answer.ok ? `${urls[i]} knows no members yet` : `${urls[i]}: ${answer.reason}`,
  );
  return (
    'cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs' +
    (reasons.length === 0 ? '' : ` (${reasons.join('; ')})`)
  );
}

type Match =
  | { readonly ok: true; readonly joined: JoinedCluster }
  /** `isFinal`: asking again cannot help. */
  | { readonly ok: false; readonly reason: string; readonly isFinal: boolean };

/** etcd's `ValidateClusterAndAssignIDs`, for the id of this member. */
async function matchCluster(
  { config, resolve = resolveByDns }: JoinParts,
  cluster: ClusterDescription,
): Promise<Match> {
  const given = new Map<string, string[]>();
  for (const { name, peerUrl } of config.initialCluster) {
    given.set(name, [...(given.get(name) ?? []), peerUrl].sort());
  }
  const refuse = (reason: string, isFinal = false): Match => ({ ok: false, reason, isFinal });
  const where = `error validating peerURLs ${describeCluster(cluster)}`;
  if (given.size !== cluster.members.length) return refuse(`${where}: member count is unequal`);
  let own: DescribedMember | undefined;
  for (const member of cluster.members) {
    const found = await findByUrls(given, member, resolve);
    if (found.name === undefined) {
      const id = member.id.toString(16);
      return refuse(
        `${where}: PeerURLs: no match found for existing member ` +
          `(${id}, [${member.peerUrls.join(' ')}]), last resolver error (${found.difference})`,
      );
    }
    if (found.name === config.name) own = member;
  }
  if (own === undefined) return refuse(`${where}: no member has the peer URLs of ${config.name}`);
  const learners = cluster.members.filter(({ isLearner }) => isLearner).length;
  if (learners > config.maxLearners) {
    return refuse('membership: too many learner members in cluster', true);
  }
  if (own.incarnation !== 0n) return refuse(describeTaken(own), true);
  const { clusterId, lineage } = cluster;
  return { ok: true, joined: { clusterId, memberId: own.id, lineage } };
}

async function findByUrls(
  given: ReadonlyMap<string, readonly string[]>,
  { peerUrls }: DescribedMember,
  resolve: ResolveHost,
): Promise<{ readonly name: string | undefined; readonly difference: string }> {
  let difference = '';
  for (const [name, urls] of given) {
    const found = await describeUrlDifference([...peerUrls].sort(), urls, resolve);
    if (found === undefined) return { name, difference: '' };
    difference = found;
  }
  return { name: undefined, difference };
}

function describeTaken({ id }: DescribedMember): string {
  const name = id.toString(16);
  return (
    `member ${name} has run already, with another data dir: what it had acknowledged may be lost, so it cannot begin ` +
    `again. Remove it from the cluster ("etcdctl member remove ${name}"), and add it as a new member ` +
    '("etcdctl member add") before you start it'
  );
}

/** As etcd prints a cluster. */
function describeCluster({ clusterId, members }: ClusterDescription): string {
  const described = members.map(
    ({ id, name, peerUrls, clientUrls, isLearner }) =>
      `&{ID:${id.toString(16)} RaftAttributes:{PeerURLs:[${peerUrls.join(' ')}] IsLearner:${isLearner}} ` +
      `Attributes:{Name:${name} ClientURLs:[${clientUrls.join(' ')}]}}`,
  );
  return `{ClusterID:${clusterId.toString(16)} Members:[${described.join(' ')}] RemovedMemberIDs:[]}`;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
