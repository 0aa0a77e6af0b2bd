import type { Json, Operation } from '../types.ts';

/**
 * How a request to the key-value store and its answer stand in a history. Every workload writes them alike, so that
 * every checker reads them alike: a get is a transaction of one get, a cas one with a comparison.
 */

export type Compare = {
  readonly key: string;
  readonly target: 'value' | 'mod' | 'create' | 'version';
  readonly is: '=' | '!=' | '<' | '>';
  readonly to: string | number;
};

export type Action =
  | {
      readonly op: 'put';
      readonly key: string;
      /** `9-17+65536` has so many bytes behind that text: see padding.ts. */
      readonly value: string;
      readonly lease?: string;
      /** The answer tells what was there before. */
      readonly prevKv?: true;
    }
  | {
      readonly op: 'delete';
      readonly key: string;
      readonly end?: string;
      /** The answer tells what was deleted. */
      readonly prevKv?: true;
    }
  | {
      readonly op: 'get';
      readonly key: string;
      /** To there, without it. */
      readonly end?: string;
      readonly limit?: number;
      /** Of the past. */
      readonly revision?: number;
      /** The answer tells how many there are, whatever the limit. */
      readonly counts?: true;
      /** Without values, or nothing but how many there are. */
      readonly only?: 'keys' | 'count';
    };

export type Request = {
  readonly compare?: readonly Compare[];
  readonly success: readonly Action[];
  readonly failure?: readonly Action[];
  /** Answered from what the member knows, be it old. */
  readonly serializable?: boolean;
};

export type Kv = {
  readonly key: string;
  readonly value: string;
  readonly mod: number;
  readonly create: number;
  readonly version: number;
  readonly lease?: string;
};

/** Of one action: what it read, or how many keys it deleted. A put has nothing to say. */
export type Result = {
  readonly kvs?: readonly Kv[];
  /** There are more behind the limit. */
  readonly more?: boolean;
  readonly deleted?: number;
  /** How many there are, whatever the limit. */
  readonly count?: number;
  /** What was there before, where that was asked for. */
  readonly prevKvs?: readonly Kv[];
};

export type Answer = {
  /** Of the answer's header. */
  readonly revision: number;
  readonly succeeded: boolean;
  /** Of the actions of the branch that was taken. */
  readonly results: readonly Result[];
};

/** Undefined where the operation is of another kind. */
export function requestOf({ input }: Operation): Request | undefined {
  return isRecord(input) && 'success' in input ? (input as unknown as Request) : undefined;
}

/** Undefined where nothing was answered. */
export function answerOf({ outcome, output }: Operation): Answer | undefined {
  if (outcome !== 'ok' || !isRecord(output)) return undefined;
  return 'results' in output ? (output as unknown as Answer) : undefined;
}

export function isRecord(json: Json | undefined): json is { readonly [name: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** Whether the request could change anything. */
export function isMutation(request: Request): boolean {
  return [...request.success, ...(request.failure ?? [])].some(({ op }) => op !== 'get');
}

export function get(key: string): Request {
  return { success: [{ op: 'get', key }] };
}

export function put(key: string, value: string): Request {
  return { success: [{ op: 'put', key, value }] };
}

export function remove(key: string): Request {
  return { success: [{ op: 'delete', key }] };
}

/** Puts `to` where the value is `from`, and otherwise says what it is. */
export function cas(key: string, from: string, to: string): Request {
  return {
    compare: [{ key, target: 'value', is: '=', to: from }],
    success: [{ op: 'put', key, value: to }],
    failure: [{ op: 'get', key }],
  };
}

/** The end of the range of all keys that begin with `prefix`, which ends with a character below U+007F. */
export function prefixEnd(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}

export function getPrefix(prefix: string): Request {
  return { success: [{ op: 'get', key: prefix, end: prefixEnd(prefix) }] };
}

/** For sentences: `put r1 = 3-7`, `delete r1`. */
export function describeRequest({
  compare = [],
  success,
  failure: otherwise = [],
}: Request): string {
  const actions = success.map(describeAction).join(', ');
  if (compare.length === 0) return actions;
  const conditions = compare.map(({ key, target, is, to }) => `${target} of ${key} ${is} ${to}`);
  const rest = otherwise.length === 0 ? '' : ` else ${otherwise.map(describeAction).join(', ')}`;
  return `if ${conditions.join(' and ')} then ${actions}${rest}`;
}

function describeAction(action: Action): string {
  if (action.op === 'put') return `put ${action.key} = ${action.value}`;
  const only = action.op === 'get' && action.only !== undefined ? ` (${action.only} only)` : '';
  return `${action.op} ${action.key}${action.end === undefined ? '' : `..${action.end}`}${only}`;
}
