import type { MemberListResponse } from '../../wire/cluster.ts';
import { formatSize } from './go-text.ts';
import type { EndpointHashKv, EndpointHealth, EndpointStatus } from './output.ts';

/** Answers as rows of texts, which the simple and table formats share (ctlv3/command/printer.go). */

export interface Rows {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function memberRows({ members }: MemberListResponse): Rows {
  return {
    header: ['ID', 'Status', 'Name', 'Peer Addrs', 'Client Addrs', 'Is Learner'],
    rows: members.map((member) => [
      member.id.toString(16),
      member.name === '' ? 'unstarted' : 'started',
      member.name,
      member.peerUrls.join(','),
      member.clientUrls.join(','),
      String(member.isLearner),
    ]),
  };
}

export function healthRows(list: readonly EndpointHealth[]): Rows {
  return {
    header: ['endpoint', 'health', 'took', 'error'],
    rows: list.map((row) => [row.endpoint, String(row.isHealthy), row.took, row.error]),
  };
}

export function statusRows(list: readonly EndpointStatus[]): Rows {
  return {
    header: [
      'endpoint',
      'ID',
      'version',
      'storage version',
      'db size',
      'in use',
      'percentage not in use',
      'quota',
      'is leader',
      'is learner',
      'raft term',
      'raft index',
      'raft applied index',
      'errors',
      'downgrade target version',
      'downgrade enabled',
    ],
    rows: list.map(statusRow),
  };
}

function statusRow({ endpoint, response }: EndpointStatus): readonly string[] {
  const { header, dbSize, dbSizeInUse, downgradeInfo } = response;
  const usedPercent = dbSize === 0 ? 100 : Math.trunc((dbSizeInUse * 100) / dbSize);
  return [
    endpoint,
    (header?.memberId ?? 0n).toString(16),
    response.version,
    response.storageVersion,
    formatSize(dbSize),
    formatSize(dbSizeInUse),
    `${100 - usedPercent}%`,
    formatSize(response.dbSizeQuota),
    String(response.leader === (header?.memberId ?? 0n)),
    String(response.isLearner),
    String(response.raftTerm),
    String(response.raftIndex),
    String(response.raftAppliedIndex),
    response.errors.join(', '),
    downgradeInfo?.targetVersion ?? '',
    String(downgradeInfo?.enabled ?? false),
  ];
}

export function hashKvRows(list: readonly EndpointHashKv[]): Rows {
  return {
    header: ['endpoint', 'hash', 'hash_revision'],
    rows: list.map(({ endpoint, response }) => [
      endpoint,
      String(response.hash),
      String(response.hashRevision),
    ]),
  };
}
