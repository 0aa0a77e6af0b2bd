import type { WireObject } from '../../test/members/protocol.ts';
import { expandValue, foldValue } from './padding.ts';
import type { Action, Answer, Compare, Kv, Request, Result } from './requests.ts';

/** Between requests as histories show them and the messages of proto/rpc.proto. */

export interface Call {
  readonly method: string;
  readonly request: WireObject;
}

/** A request of one action and no comparison goes as the call of its own that etcd has for it. */
export function encodeRequest(request: Request): Call {
  const [action] = request.success;
  const isSingle = request.compare === undefined && request.success.length === 1;
  if (isSingle && action !== undefined) {
    const serializable = request.serializable ?? false;
    return { method: methods[action.op], request: encodeAction(action, serializable) };
  }
  return {
    method: 'KV.Txn',
    request: {
      compare: (request.compare ?? []).map(encodeCompare),
      success: request.success.map(encodeOperation),
      failure: (request.failure ?? []).map(encodeOperation),
    },
  };
}

const protoNames = { get: 'range', put: 'put', delete: 'delete_range' } as const;
const methods = { get: 'KV.Range', put: 'KV.Put', delete: 'KV.DeleteRange' } as const;

function encodeAction(action: Action, serializable = false): WireObject {
  const key = Buffer.from(action.key);
  if (action.op === 'put') {
    const { value, lease = '0', prevKv = false } = action;
    return { key, value: expandValue(value), lease, prev_kv: prevKv };
  }
  const end = action.end === undefined ? {} : { range_end: Buffer.from(action.end) };
  if (action.op === 'delete') return { key, ...end, prev_kv: action.prevKv ?? false };
  const { limit = 0, revision = 0, only } = action;
  const what = { keys_only: only === 'keys', count_only: only === 'count', serializable };
  return { key, ...end, limit: String(limit), revision: String(revision), ...what };
}

function encodeOperation(action: Action): WireObject {
  return { [`request_${protoNames[action.op]}`]: encodeAction(action) };
}

const results = { '=': 0, '>': 1, '<': 2, '!=': 3 } as const;
const targets = {
  version: [0, 'version'],
  create: [1, 'create_revision'],
  mod: [2, 'mod_revision'],
  value: [3, 'value'],
} as const;

function encodeCompare({ key, target, is, to }: Compare): WireObject {
  const [number, field] = targets[target];
  return {
    key: Buffer.from(key),
    result: results[is],
    target: number,
    [field]: target === 'value' ? expandValue(String(to)) : String(to),
  };
}

/** proto-loader leaves out what is empty: the request says what to expect. */
export function decodeAnswer(request: Request, { method }: Call, message: WireObject): Answer {
  const revision = revisionOf(message);
  const isTxn = method === 'KV.Txn';
  const succeeded = isTxn ? message['succeeded'] === true : true;
  const actions = succeeded ? request.success : (request.failure ?? []);
  const responses = isTxn ? ((message['responses'] ?? []) as readonly WireObject[]) : [message];
  if (responses.length !== actions.length) {
    throw new Error(`${responses.length} answers to ${actions.length} actions`);
  }
  return {
    revision,
    succeeded,
    results: actions.map((action, i) => {
      const response = responses[i] ?? {};
      return decodeResult(action, isTxn ? innerOf(action.op, response) : response);
    }),
  };
}

function innerOf(op: Action['op'], response: WireObject): WireObject {
  return (response[`response_${protoNames[op]}`] ?? {}) as WireObject;
}

function decodeResult(action: Action, message: WireObject): Result {
  if (action.op === 'put') {
    const { prev_kv: before } = message;
    if (action.prevKv !== true) return {};
    return {
      prevKvs: before === undefined || before === null ? [] : [decodeKv(before as WireObject)],
    };
  }
  if (action.op === 'delete') {
    const prevKvs = ((message['prev_kvs'] ?? []) as readonly WireObject[]).map(decodeKv);
    const deleted = Number(message['deleted'] ?? 0);
    return action.prevKv === true ? { deleted, prevKvs } : { deleted };
  }
  const kvs = ((message['kvs'] ?? []) as readonly WireObject[]).map(decodeKv);
  const isCounted = action.counts === true || action.only === 'count';
  return {
    kvs,
    ...(message['more'] === true ? { more: true } : {}),
    ...(isCounted ? { count: Number(message['count'] ?? 0) } : {}),
  };
}

export function decodeKv(kv: WireObject): Kv {
  const lease = String(kv['lease'] ?? '0');
  return {
    key: textOf(kv['key']),
    value: foldValue((kv['value'] as Uint8Array | undefined) ?? nothing),
    mod: Number(kv['mod_revision'] ?? 0),
    create: Number(kv['create_revision'] ?? 0),
    version: Number(kv['version'] ?? 0),
    ...(lease === '0' ? {} : { lease }),
  };
}

export function revisionOf(message: WireObject): number {
  const header = message['header'] as WireObject | undefined;
  return Number(header?.['revision'] ?? 0);
}

const nothing = new Uint8Array(0);

export function textOf(value: unknown): string {
  return Buffer.from((value as Uint8Array | undefined) ?? []).toString();
}
