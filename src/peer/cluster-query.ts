import { emptyBytes, type Bytes } from '../base/bytes.ts';
import type { GrpcChannel, Handler } from '../grpc/types.ts';
import { openChannel, type EngineName } from '../grpc/engines.ts';
import { Code } from '../wire/errors.ts';
import {
  bool,
  bytes,
  message,
  repeatedNested,
  repeatedString,
  string,
  uint64,
  uint64Id,
  type MessageOf,
} from '../wire/message.ts';
import { WireError } from '../wire/varint.ts';
import { parsePeerUrl } from './peer-url.ts';

/**
 * The one question on the peer port that needs no identity: which cluster is this, and who are its members? It is
 * what a new member knows before it has an id (etcd's GET /members). proto/peer.proto says what the fields mean.
 */

export const clusterPath = '/quorate.peer.Peer/DescribeCluster';

export const DescribedMember = message('quorate.peer.DescribedMember', {
  id: uint64Id(1),
  name: string(2),
  peerUrls: repeatedString(3),
  clientUrls: repeatedString(4),
  isLearner: bool(5),
  incarnation: uint64Id(6),
});
export type DescribedMember = MessageOf<typeof DescribedMember>;

export const ClusterDescription = message('quorate.peer.ClusterDescription', {
  clusterId: uint64Id(1),
  appliedIndex: uint64(2),
  members: repeatedNested(3, DescribedMember),
  lineage: bytes(4),
});
export type ClusterDescription = MessageOf<typeof ClusterDescription>;

/** The route of the peer port that answers it. */
export function describeClusterRoute(
  describe: () => ClusterDescription,
): readonly [path: string, handler: Handler] {
  return [
    clusterPath,
    {
      kind: 'unary',
      handle: (call) => call.respond(ClusterDescription.encode(describe())),
    },
  ];
}

/** What a member answers, or why there is no answer. */
export type ClusterAnswer =
  | { readonly ok: true; readonly cluster: ClusterDescription }
  | { readonly ok: false; readonly reason: string };

export type AskCluster = (peerUrl: string, timeoutMs: number) => Promise<ClusterAnswer>;

/** Asks whoever answers at a peer URL, by the engine given here. */
export function askClusterBy(engine: EngineName): AskCluster {
  return (peerUrl, timeoutMs) =>
    new Promise((resolve) => {
      const target = parsePeerUrl(peerUrl);
      if (!target.ok) return resolve(target);
      const channel: GrpcChannel = openChannel(engine, {
        addresses: [target.address],
        reconnectMaxMs: timeoutMs,
      });
      channel.unary(clusterPath, emptyBytes, { timeoutMs }, ({ status, message: answer }) => {
        channel.close();
        if (status.code === Code.OK && answer !== undefined) resolve(readAnswer(answer));
        else resolve({ ok: false, reason: status.text });
      });
    });
}

function readAnswer(answer: Bytes): ClusterAnswer {
  try {
    return { ok: true, cluster: ClusterDescription.decode(answer) };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { ok: false, reason: error.message };
  }
}
