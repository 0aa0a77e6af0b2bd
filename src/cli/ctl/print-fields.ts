import { utf8, type Bytes } from '../../base/bytes.ts';
import type { Member } from '../../wire/cluster.ts';
import type { ResponseHeader } from '../../wire/header.ts';
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  ResponseOp,
  TxnResponse,
} from '../../wire/kv.ts';
import type { LeaseKeepAliveResponse } from '../../wire/lease.ts';
import { KeyValue, type DecodedEvent } from '../../wire/mvccpb.ts';
import { describeAlarmType, describeEventType } from './enum-names.ts';
import { badFeature } from './exit.ts';
import { leaseHex, quote, quoteText } from './go-text.ts';
import type { EndpointHashKv, EndpointStatus, Printed, Printer } from './output.ts';

/** `-w fields`: one `"Name" : value` a line (ctlv3/command/printer_fields.go). */

type Line = readonly [name: string, value: string | number | bigint | boolean];

const print = (lines: readonly (Line | undefined)[]): Printed => ({
  // An undefined line is the empty one that ends a member or endpoint.
  out: utf8(
    lines.map((line) => (line === undefined ? '\n' : `"${line[0]}" : ${line[1]}\n`)).join(''),
  ),
  err: '',
});

export function fieldsPrinter(hex: boolean): Printer {
  const id = (value: bigint): string => value.toString(hex ? 16 : 10);
  const header = (found: ResponseHeader | undefined): readonly Line[] => {
    const revision = found?.revision ?? 0;
    return [
      ['ClusterID', id(found?.clusterId ?? 0n)],
      ['MemberID', id(found?.memberId ?? 0n)],
      ...(revision > 0 ? [['Revision', revision] as const] : []),
      ['RaftTerm', found?.raftTerm ?? 0],
    ];
  };
  const lease = (value: bigint): string | bigint => (hex ? leaseHex(value) : value);
  const decodedKv = (prefix: string, found: KeyValue): readonly Line[] => {
    return [
      [`${prefix}Key`, quote(found.key)],
      [`${prefix}CreateRevision`, found.createRevision],
      [`${prefix}ModRevision`, found.modRevision],
      [`${prefix}Version`, found.version],
      [`${prefix}Value`, quote(found.value)],
      [`${prefix}Lease`, lease(found.lease)],
    ];
  };
  const kv = (prefix: string, encoded: Bytes): readonly Line[] =>
    decodedKv(prefix, KeyValue.decode(encoded));
  const get = (response: RangeResponse): readonly Line[] => [
    ...header(response.header),
    ...response.kvs.flatMap((encoded) => kv('', encoded)),
    ['More', response.more],
    ['Count', response.count],
  ];
  const put = (response: PutResponse): readonly Line[] => [
    ...header(response.header),
    ...(response.prevKv === undefined ? [] : kv('Prev', response.prevKv)),
  ];
  const del = (response: DeleteRangeResponse): readonly Line[] => [
    ...header(response.header),
    ['Deleted', response.deleted],
    ...response.prevKvs.flatMap((encoded) => kv('Prev', encoded)),
  ];
  const op = ({ response }: ResponseOp): readonly Line[] => {
    switch (response?.case) {
      case 'responseRange':
        return get(response.value);
      case 'responsePut':
        return put(response.value);
      case 'responseDeleteRange':
        return del(response.value);
      case 'responseTxn':
        return txn(response.value);
      case undefined:
        return [['Unknown', '""']];
    }
  };
  const txn = (response: TxnResponse): readonly Line[] => [
    ...header(response.header),
    ['Succeeded', response.succeeded],
    ...response.responses.flatMap(op),
  ];
  const event = ({ type, kv: now, prevKv }: DecodedEvent): readonly Line[] => [
    ['Type', describeEventType(type)],
    ...(prevKv === undefined ? [] : decodedKv('Prev', prevKv)),
    ...decodedKv('', KeyValue.create(now)),
  ];
  const prolonged = ({ header: found, id: leaseId, ttl }: LeaseAnswer): readonly Line[] => [
    ...header(found),
    ['ID', lease(leaseId)],
    ['TTL', ttl],
  ];
  return {
    ...notInFields,
    watch: (response) => print([...header(response.header), ...response.events.flatMap(event)]),
    leaseGrant: (response) => print(prolonged(response)),
    leaseRevoke: (_id, response) => print(header(response.header)),
    leaseKeepAlive: (response) => print(prolonged(response)),
    leaseTimeToLive: (response) =>
      print([
        ...prolonged(response),
        ['GrantedTTL', response.grantedTtl],
        ...response.keys.map((key): Line => ['Key', quote(key)]),
      ]),
    leaseList: (response) =>
      print([
        ...header(response.header),
        ...response.leases.map((row): Line => ['ID', lease(row.id)]),
      ]),
    alarms: (response) =>
      print([
        ...header(response.header),
        ...response.alarms.flatMap((row): readonly (Line | undefined)[] => [
          ['MemberID', id(row.memberId)],
          ['AlarmType', describeAlarmType(row.alarm)],
          undefined,
        ]),
      ]),
    get: (response) => print(get(response)),
    put: (response) => print(put(response)),
    del: (response) => print(del(response)),
    txn: (response) => print(txn(response)),
    memberList: ({ header: found, members }) =>
      print([...header(found), ...members.flatMap((member) => memberLines(member, id))]),
    endpointHealth: (list) =>
      print(
        list.flatMap((row) => [
          ['Endpoint', quoteText(row.endpoint)],
          ['Health', row.isHealthy],
          ['Took', row.took],
          ['Error', row.error],
          undefined,
        ]),
      ),
    endpointStatus: (list) => print(list.flatMap((row) => statusLines(row, header))),
    endpointHashKv: (list) => print(list.flatMap((row) => hashKvLines(row, header))),
  };
}

type LeaseAnswer = Pick<LeaseKeepAliveResponse, 'header' | 'id' | 'ttl'>;

const unsupported = (): never => {
  throw badFeature('fields not supported as output format');
};

/** What etcdctl has not given this format. */
const notInFields = {
  memberAdd: unsupported,
  memberRemove: unsupported,
  memberUpdate: unsupported,
  memberPromote: unsupported,
  moveLeader: unsupported,
} satisfies Partial<Printer>;

function memberLines(member: Member, id: (value: bigint) => string): readonly (Line | undefined)[] {
  return [
    ['ID', id(member.id)],
    ['Name', quoteText(member.name)],
    ...member.peerUrls.map((url): Line => ['PeerURL', quoteText(url)]),
    ...member.clientUrls.map((url): Line => ['ClientURL', quoteText(url)]),
    ['IsLearner', member.isLearner],
    undefined,
  ];
}

type HeaderLines = (header: ResponseHeader | undefined) => readonly Line[];

function statusLines(
  { endpoint, response }: EndpointStatus,
  header: HeaderLines,
): readonly (Line | undefined)[] {
  return [
    ...header(response.header),
    ['Version', quoteText(response.version)],
    ['StorageVersion', quoteText(response.storageVersion)],
    ['DBSize', response.dbSize],
    ['DBSizeInUse', response.dbSizeInUse],
    ['DBSizeQuota', response.dbSizeQuota],
    ['Leader', response.leader],
    ['IsLearner', response.isLearner],
    ['RaftIndex', response.raftIndex],
    ['RaftAppliedIndex', response.raftAppliedIndex],
    ['Errors', `[${response.errors.join(' ')}]`],
    ['Endpoint', quoteText(endpoint)],
    ['DowngradeTargetVersion', quoteText(response.downgradeInfo?.targetVersion ?? '')],
    ['DowngradeEnabled', response.downgradeInfo?.enabled ?? false],
    undefined,
  ];
}

function hashKvLines(
  { endpoint, response }: EndpointHashKv,
  header: HeaderLines,
): readonly (Line | undefined)[] {
  return [
    ...header(response.header),
    ['Endpoint', quoteText(endpoint)],
    ['Hash', response.hash],
    ['HashRevision', response.hashRevision],
    undefined,
  ];
}
