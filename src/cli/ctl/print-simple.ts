import { concatBytes, emptyBytes, utf8, type Bytes } from '../../base/bytes.ts';
import type { ResponseOp } from '../../wire/kv.ts';
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  TxnResponse,
} from '../../wire/kv.ts';
import { KeyValue, type DecodedEvent } from '../../wire/mvccpb.ts';
import { AlarmType } from '../../wire/maintenance.ts';
import { hexEscaped, leaseHex } from './go-text.ts';
import { describeAlarmType, describeEventType } from './enum-names.ts';
import type { EndpointHealth, Printed, Printer } from './output.ts';
import { hashKvRows, memberRows, statusRows, type Rows } from './rows.ts';

const newline = utf8('\n');
const onStdout = (parts: readonly Bytes[]): Printed => ({ out: concatBytes(parts), err: '' });

/** `-w simple`: keys and values as their raw bytes, one a line; lists separated by ", ". */
export function simplePrinter(options: {
  readonly hex: boolean;
  readonly valueOnly: boolean;
}): Printer {
  const line = (bytes: Bytes): readonly Bytes[] => [
    options.hex ? utf8(hexEscaped(bytes)) : bytes,
    newline,
  ];
  const decodedLines = ({ key, value }: KeyValue): readonly Bytes[] =>
    options.valueOnly ? line(value) : [...line(key), ...line(value)];
  const kvLines = (encoded: Bytes): readonly Bytes[] => decodedLines(KeyValue.decode(encoded));
  const getLines = (response: RangeResponse): readonly Bytes[] => response.kvs.flatMap(kvLines);
  const putLines = ({ prevKv }: PutResponse): readonly Bytes[] => [
    utf8('OK\n'),
    ...(prevKv === undefined ? [] : kvLines(prevKv)),
  ];
  const delLines = ({ deleted, prevKvs }: DeleteRangeResponse): readonly Bytes[] => [
    utf8(`${deleted}\n`),
    ...prevKvs.flatMap(kvLines),
  ];
  const opLines = ({ response }: ResponseOp): readonly Bytes[] => {
    switch (response?.case) {
      case 'responseRange':
        return getLines(response.value);
      case 'responsePut':
        return putLines(response.value);
      case 'responseDeleteRange':
        return delLines(response.value);
      case 'responseTxn':
        return txnLines(response.value);
      case undefined:
        return [utf8('unexpected response\n')];
    }
  };
  const txnLines = ({ succeeded, responses }: TxnResponse): readonly Bytes[] => [
    utf8(succeeded ? 'SUCCESS\n' : 'FAILURE\n'),
    ...responses.flatMap((op) => [newline, ...opLines(op)]),
  ];
  const eventLines = ({ type, kv, prevKv }: DecodedEvent): readonly Bytes[] => [
    utf8(`${describeEventType(type)}\n`),
    ...(prevKv === undefined ? [] : decodedLines(prevKv)),
    ...decodedLines(KeyValue.create(kv)),
  ];
  return {
    ...answersInWords,
    get: (response) => onStdout(getLines(response)),
    put: (response) => onStdout(putLines(response)),
    del: (response) => onStdout(delLines(response)),
    txn: (response) => onStdout(txnLines(response)),
    watch: (response) => onStdout(response.events.flatMap(eventLines)),
    memberList: (response) => commaLines(memberRows(response)),
    endpointHealth: healthLines,
    endpointStatus: (list) => commaLines(statusRows(list)),
    endpointHashKv: (list) => commaLines(hashKvRows(list)),
  };
}

const sentence = (text: string): Printed => ({ out: utf8(`${text}\n`), err: '' });
const memberHex = (id: bigint | undefined): string => (id ?? 0n).toString(16).padStart(16);

const answersInWords = {
  leaseGrant: ({ id, ttl }) => sentence(`lease ${leaseHex(id)} granted with TTL(${ttl}s)`),
  leaseRevoke: (id) => sentence(`lease ${leaseHex(id)} revoked`),
  leaseKeepAlive: ({ id, ttl }) => sentence(`lease ${leaseHex(id)} keepalived with TTL(${ttl})`),
  leaseTimeToLive: ({ id, ttl, grantedTtl, keys }, withKeys) => {
    const lease = `lease ${leaseHex(id)}`;
    if (grantedTtl === 0 && ttl === -1) return sentence(`${lease} already expired`);
    const times = utf8(`${lease} granted with TTL(${grantedTtl}s), remaining(${ttl}s)`);
    if (!withKeys) return onStdout([times, newline]);
    const shown = keys.flatMap((key, i) => (i === 0 ? [key] : [utf8(' '), key]));
    return onStdout([times, utf8(', attached keys(['), ...shown, utf8('])\n')]);
  },
  leaseList: ({ leases }) =>
    sentence([`found ${leases.length} leases`, ...leases.map(({ id }) => leaseHex(id))].join('\n')),
  memberAdd: ({ header, member }) => {
    const role = member?.isLearner === true ? ' as learner ' : ' ';
    const cluster = memberHex(header?.clusterId);
    return sentence(`Member ${memberHex(member?.id)} added${role}to cluster ${cluster}`);
  },
  memberRemove: (id, { header }) =>
    sentence(`Member ${memberHex(id)} removed from cluster ${memberHex(header?.clusterId)}`),
  memberUpdate: (id, { header }) =>
    sentence(`Member ${memberHex(id)} updated in cluster ${memberHex(header?.clusterId)}`),
  memberPromote: (id, { header }) =>
    sentence(`Member ${memberHex(id)} promoted in cluster ${memberHex(header?.clusterId)}`),
  alarms: ({ alarms }) => {
    const rows = alarms.map(({ memberId, alarm }) => {
      const parts = [
        ...(memberId === 0n ? [] : [`memberID:${memberId}`]),
        ...(alarm === AlarmType.NONE ? [] : [`alarm:${describeAlarmType(alarm)}`]),
      ];
      return `${parts.join(' ')}\n`;
    });
    return onStdout(rows.map((row) => utf8(row)));
  },
  moveLeader: (from, to) =>
    sentence(`Leadership transferred from ${from.toString(16)} to ${to.toString(16)}`),
} satisfies Partial<Printer>;

function commaLines({ rows }: Rows): Printed {
  return { out: utf8(rows.map((row) => `${row.join(', ')}\n`).join('')), err: '' };
}

function healthLines(list: readonly EndpointHealth[]): Printed {
  let out = '';
  let err = '';
  for (const { endpoint, took, error } of list) {
    if (error === '') {
      out += `${endpoint} is healthy: successfully committed proposal: took = ${took}\n`;
    } else err += `${endpoint} is unhealthy: failed to commit proposal: ${error}\n`;
  }
  return { out: out === '' ? emptyBytes : utf8(out), err };
}
