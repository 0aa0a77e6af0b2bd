import { methodNamed, type WireObject, type WireValue } from '../members/protocol.ts';
import type { Names } from './names.ts';

/** One step of the stream that both servers are given. */
export type Operation =
  | Call
  | HandEncoded
  /** A path that no service has. */
  | { readonly kind: 'path'; readonly path: string }
  | WatchStep
  | KeepAliveStep
  /** Everything that was written is delivered to every watch, and compared. */
  | { readonly kind: 'settle' }
  /** Waits until both sides have let these leases expire. */
  | { readonly kind: 'expiry'; readonly leases: readonly string[] };

/** A request that was encoded by hand: unknown fields, wrong wire types, cut short. */
export interface HandEncoded {
  readonly kind: 'bytes';
  readonly method: string;
  readonly bytes: Uint8Array;
  /** What a server that takes the bytes for a message reads in them. */
  readonly request: WireObject;
}

export interface Call {
  readonly kind: 'call';
  readonly method: string;
  /** Lease ids that a server picks, and members, stand in it by name: see `Names`. */
  readonly request: WireObject;
  /** The name that is given to the lease which this grants. */
  readonly grants?: string;
}

/** Something that a client does on one of its watch streams. */
export interface WatchStep {
  readonly kind: 'watch';
  /** Streams are numbered by whoever opens them. */
  readonly stream: number;
  readonly action: WatchAction;
}

export type WatchAction =
  | { readonly type: 'open' }
  /** `WatchCreateRequest`s, sent one after the other without waiting. */
  | { readonly type: 'create'; readonly creates: readonly WireObject[] }
  /** Settled: after every event so far has arrived. If not, a server may hold back what is on its way. */
  | { readonly type: 'cancel'; readonly ids: readonly string[]; readonly isSettled: boolean }
  | { readonly type: 'progress'; readonly times: number; readonly isSettled: boolean }
  /** Bytes that are a message, and none of the three requests. */
  | { readonly type: 'strange'; readonly bytes: Uint8Array }
  /** Bytes that are no message: the server ends the stream. */
  | { readonly type: 'refused'; readonly bytes: Uint8Array }
  | { readonly type: 'halfClose' }
  | { readonly type: 'close'; readonly isSettled: boolean };

/** Keep-alives on one long stream. */
export interface KeepAliveStep {
  readonly kind: 'keepAlive';
  readonly leases: readonly string[];
  /** What becomes of the stream then. */
  readonly afterwards: 'stays' | 'halfClose' | 'cancel';
}

export const call = (method: string, request: WireObject): Call => ({
  kind: 'call',
  method,
  request,
});

const reads = new Set([
  'KV.Range',
  'KV.RangeStream',
  'Maintenance.HashKV',
  'Maintenance.Status',
  'Cluster.MemberList',
  'Lease.LeaseTimeToLive',
  'Lease.LeaseLeases',
]);

/** Answered by the member that is asked from what it has applied, or with its revision then. */
const local = new Set([
  'Maintenance.HashKV',
  'Maintenance.Status',
  'Lease.LeaseTimeToLive',
  'Lease.LeaseLeases',
  'Lease.LeaseKeepAlive',
  'KV.Txn',
]);

/** Whether the order of this operation among its neighbours can matter. */
export function mayMutate(operation: Operation): boolean {
  if (operation.kind === 'path') return false;
  return operation.kind === 'call' ? !reads.has(operation.method) : true;
}

/** Whether it is answered from what one member has applied, and so must follow the last write there. */
export function isLocal(operation: Operation): boolean {
  if (operation.kind !== 'call') return true;
  return local.has(operation.method) || operation.request['serializable'] === true;
}

/** The bytes of a request as one side is sent it. */
export function encodeOperation(operation: Operation, names: Names): Uint8Array {
  if (operation.kind === 'bytes') return operation.bytes;
  if (operation.kind !== 'call') return new Uint8Array(0);
  const { method, request } = operation;
  return methodNamed(method).requestSerialize(
    hasNames(method) ? resolved(request, names) : request,
  );
}

/** Only in these do names stand for ids; all others are encoded as they are. */
function hasNames(method: string): boolean {
  return method.startsWith('Lease.') || method === 'Maintenance.Alarm';
}

function resolved(request: WireObject, names: Names): WireObject {
  const entries = Object.entries(request).map(([field, value]): [string, WireValue] => [
    field,
    typeof value === 'string' ? names.idOf(value) : value,
  ]);
  return Object.fromEntries(entries);
}
