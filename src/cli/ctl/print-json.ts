import { base64, utf8, type Bytes } from '../../base/bytes.ts';
import type { Member, MemberAddResponse } from '../../wire/cluster.ts';
import type { ResponseHeader } from '../../wire/header.ts';
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  ResponseOp,
  TxnResponse,
} from '../../wire/kv.ts';
import type { HashKVResponse, StatusResponse } from '../../wire/maintenance.ts';
import { KeyValue, type DecodedEvent } from '../../wire/mvccpb.ts';
import type { WatchResponse } from '../../wire/watch.ts';
import type { EndpointHealth, Printed, Printer } from './output.ts';

/**
 * `-w json`: what Go's encoding/json makes of the answers, without blanks. Ids are plain numbers of 64 bits, which
 * JSON.stringify cannot write; fields at their default are left out.
 */

/** JSON text; undefined stands for a field that is left out. */
type Json = string | undefined;

const print = (json: string): Printed => ({ out: utf8(`${json}\n`), err: '' });

function object(fields: Readonly<Record<string, Json>>): string {
  const parts = Object.entries(fields).filter(([, json]) => json !== undefined);
  return `{${parts.map(([name, json]) => `"${name}":${json}`).join(',')}}`;
}

const array = (items: readonly string[]): Json =>
  items.length === 0 ? undefined : `[${items.join(',')}]`;
const number = (value: number | bigint): Json => (Number(value) === 0 ? undefined : String(value));
const flag = (value: boolean): Json => (value ? 'true' : undefined);
const bytes = (value: Bytes): Json => (value.length === 0 ? undefined : `"${base64(value)}"`);
const text = (value: string): Json => (value === '' ? undefined : string(value));

/** Go escapes what HTML and JavaScript could trip over. */
function string(value: string): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function header(found: ResponseHeader | undefined): Json {
  return found === undefined ? undefined : object(headerFields(found));
}

const headerFields = (found: ResponseHeader | undefined): Readonly<Record<string, Json>> => ({
  cluster_id: number(found?.clusterId ?? 0n),
  member_id: number(found?.memberId ?? 0n),
  revision: number(found?.revision ?? 0),
  raft_term: number(found?.raftTerm ?? 0),
});

const keyValue = (encoded: Bytes): string => decodedKeyValue(KeyValue.decode(encoded));

function decodedKeyValue(kv: KeyValue): string {
  return object({
    key: bytes(kv.key),
    create_revision: number(kv.createRevision),
    mod_revision: number(kv.modRevision),
    version: number(kv.version),
    value: bytes(kv.value),
    lease: number(kv.lease),
  });
}

const range = (response: RangeResponse): string =>
  object({
    header: header(response.header),
    kvs: array(response.kvs.map(keyValue)),
    more: flag(response.more),
    count: number(response.count),
  });

const put = (response: PutResponse): string =>
  object({
    header: header(response.header),
    prev_kv: response.prevKv === undefined ? undefined : keyValue(response.prevKv),
  });

const deleteRange = (response: DeleteRangeResponse): string =>
  object({
    header: header(response.header),
    deleted: number(response.deleted),
    prev_kvs: array(response.prevKvs.map(keyValue)),
  });

const txn = (response: TxnResponse): string =>
  object({
    header: header(response.header),
    succeeded: flag(response.succeeded),
    responses: array(response.responses.map((op) => object({ Response: operation(op) }))),
  });

function operation({ response }: ResponseOp): string {
  switch (response?.case) {
    case 'responseRange':
      return object({ response_range: range(response.value) });
    case 'responsePut':
      return object({ response_put: put(response.value) });
    case 'responseDeleteRange':
      return object({ response_delete_range: deleteRange(response.value) });
    case 'responseTxn':
      return object({ response_txn: txn(response.value) });
    case undefined:
      return object({});
  }
}

function member(found: Member, hex: boolean): string {
  return object({
    ID: hex ? `"${found.id.toString(16)}"` : number(found.id),
    name: text(found.name),
    peerURLs: array(found.peerUrls.map(string)),
    clientURLs: array(found.clientUrls.map(string)),
    isLearner: flag(found.isLearner),
  });
}

/** `--hex` reaches only the ids of members and of their header (ctlv3/command/printer_json.go). */
function hexHeader(found: ResponseHeader | undefined): string {
  return object({
    cluster_id: `"${(found?.clusterId ?? 0n).toString(16)}"`,
    member_id: `"${(found?.memberId ?? 0n).toString(16)}"`,
    revision: number(found?.revision ?? 0),
    raft_term: number(found?.raftTerm ?? 0),
  });
}

function status(response: StatusResponse): string {
  const { downgradeInfo } = response;
  return object({
    header: header(response.header),
    version: text(response.version),
    dbSize: number(response.dbSize),
    leader: number(response.leader),
    raftIndex: number(response.raftIndex),
    raftTerm: number(response.raftTerm),
    raftAppliedIndex: number(response.raftAppliedIndex),
    errors: array(response.errors.map(string)),
    dbSizeInUse: number(response.dbSizeInUse),
    isLearner: flag(response.isLearner),
    storageVersion: text(response.storageVersion),
    dbSizeQuota: number(response.dbSizeQuota),
    downgradeInfo:
      downgradeInfo === undefined
        ? undefined
        : object({
            enabled: flag(downgradeInfo.enabled),
            targetVersion: text(downgradeInfo.targetVersion),
          }),
  });
}

const event = ({ type, kv, prevKv }: DecodedEvent): string =>
  object({
    type: number(type),
    kv: kv === undefined ? undefined : decodedKeyValue(kv),
    prev_kv: prevKv === undefined ? undefined : decodedKeyValue(prevKv),
  });

/** Of etcd's client, not of its protocol: so nothing is left out. */
const watch = (response: WatchResponse): string =>
  object({
    Header: header(response.header) ?? 'null',
    Events: list(response.events.map(event)),
    CompactRevision: String(response.compactRevision),
    Canceled: String(response.canceled),
    Created: String(response.created),
    CancelReason: string(response.cancelReason),
  });

/** The same: the header's fields stand beside the answer's own. */
const leaseAnswer = (
  found: ResponseHeader | undefined,
  fields: Readonly<Record<string, Json>>,
): Printed => print(object({ ...headerFields(found), ...fields }));

const hashKv = (response: HashKVResponse): string =>
  object({
    header: header(response.header),
    hash: number(response.hash),
    compact_revision: number(response.compactRevision),
    hash_revision: number(response.hashRevision),
  });

const health = (row: EndpointHealth): string =>
  object({
    endpoint: string(row.endpoint),
    health: String(row.isHealthy),
    took: string(row.took),
    error: text(row.error),
  });

/** Go writes a list without items as null. */
const list = (items: readonly string[]): string => array(items) ?? 'null';

export function jsonPrinter(hex: boolean): Printer {
  const membersJson = (
    { header: found, members }: Pick<MemberAddResponse, 'header' | 'members'>,
    fields: Readonly<Record<string, Json>> = {},
  ): Printed =>
    print(
      object({
        header: hex ? hexHeader(found) : header(found),
        ...fields,
        members: array(members.map((row) => member(row, hex))),
      }),
    );
  return {
    get: (response) => print(range(response)),
    put: (response) => print(put(response)),
    del: (response) => print(deleteRange(response)),
    txn: (response) => print(txn(response)),
    watch: (response) => print(watch(response)),
    leaseGrant: ({ header: found, id, ttl, error }) =>
      leaseAnswer(found, { ID: String(id), TTL: String(ttl), Error: string(error) }),
    leaseRevoke: (_id, response) => print(object({ header: header(response.header) })),
    leaseKeepAlive: ({ header: found, id, ttl }) =>
      leaseAnswer(found, { ID: String(id), TTL: String(ttl) }),
    leaseTimeToLive: ({ header: found, id, ttl, grantedTtl, keys }) =>
      leaseAnswer(found, {
        id: String(id),
        ttl: String(ttl),
        'granted-ttl': String(grantedTtl),
        keys: list(keys.map((key) => `"${base64(key)}"`)),
      }),
    leaseList: ({ header: found, leases }) =>
      leaseAnswer(found, { leases: `[${leases.map(({ id }) => `{"id":${id}}`).join(',')}]` }),
    memberAdd: (response) =>
      membersJson(response, { member: response.member && member(response.member, hex) }),
    memberRemove: (_id, response) => membersJson(response),
    memberUpdate: (_id, response) => membersJson(response),
    memberPromote: (_id, response) => membersJson(response),
    memberList: (response) => membersJson(response),
    alarms: ({ header: found, alarms }) =>
      print(
        object({
          header: header(found),
          alarms: array(
            alarms.map((row) =>
              object({ memberID: number(row.memberId), alarm: number(row.alarm) }),
            ),
          ),
        }),
      ),
    moveLeader: (_from, _to, response) => print(object({ header: header(response.header) })),
    endpointHealth: (rows) => print(list(rows.map(health))),
    endpointStatus: (rows) =>
      print(
        list(
          rows.map((row) =>
            object({ Endpoint: string(row.endpoint), Status: status(row.response) }),
          ),
        ),
      ),
    endpointHashKv: (rows) =>
      print(
        list(
          rows.map((row) =>
            object({ Endpoint: string(row.endpoint), HashKV: hashKv(row.response) }),
          ),
        ),
      ),
  };
}
