import { concatBytes, emptyBytes, utf8, type Bytes } from '../../base/bytes.ts';
import type { ResponseOp } from '../../wire/kv.ts';
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  TxnResponse,
} from '../../wire/kv.ts';
import { KeyValue } from '../../wire/mvccpb.ts';
import { hexEscaped } from './go-text.ts';
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
  const kvLines = (encoded: Bytes): readonly Bytes[] => {
    const { key, value } = KeyValue.decode(encoded);
    return options.valueOnly ? line(value) : [...line(key), ...line(value)];
  };
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
  return {
    get: (response) => onStdout(getLines(response)),
    put: (response) => onStdout(putLines(response)),
    del: (response) => onStdout(delLines(response)),
    txn: (response) => onStdout(txnLines(response)),
    memberList: (response) => commaLines(memberRows(response)),
    endpointHealth: healthLines,
    endpointStatus: (list) => commaLines(statusRows(list)),
    endpointHashKv: (list) => commaLines(hashKvRows(list)),
  };
}

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
