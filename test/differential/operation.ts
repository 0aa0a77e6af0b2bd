import { methodNamed, type WireObject } from '../members/protocol.ts';

/** One step of the stream that both servers are given. */
export type Operation =
  | Call
  | HandEncoded
  /** A path that no service has. */
  | { readonly kind: 'path'; readonly path: string };

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
  readonly request: WireObject;
}

export const call = (method: string, request: WireObject): Call => ({
  kind: 'call',
  method,
  request,
});

const reads = new Set(['KV.Range', 'KV.RangeStream', 'Maintenance.HashKV', 'Cluster.MemberList']);

/** Whether the order of this operation among its neighbours can matter. */
export function mayMutate(operation: Operation): boolean {
  return operation.kind === 'call' ? !reads.has(operation.method) : operation.kind === 'bytes';
}

/** Whether it is answered from what one member has applied, and so must follow the last write there. */
export function isLocal(operation: Operation): boolean {
  if (operation.kind !== 'call') return true;
  if (operation.method === 'Maintenance.HashKV') return true;
  return operation.method === 'KV.Txn' || operation.request['serializable'] === true;
}

export function encodeOperation(operation: Operation): Uint8Array {
  if (operation.kind === 'path') return new Uint8Array(0);
  if (operation.kind === 'bytes') return operation.bytes;
  return methodNamed(operation.method).requestSerialize(operation.request);
}
