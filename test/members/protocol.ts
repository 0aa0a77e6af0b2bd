import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { repositoryRoot } from './programs.ts';

/**
 * The interface as proto/ declares it, read by @grpc/proto-loader and not by src/wire: a fault of our own codecs
 * cannot hide itself from the tests that compare answers.
 */

/** A message as proto-loader shows it: proto field names, 64-bit integers as text, bytes as Buffer. */
export type WireObject = { readonly [field: string]: WireValue };
export type WireValue =
  string | number | boolean | Uint8Array | WireObject | readonly WireValue[] | undefined;

export type Method = MethodDefinition<object, object>;

const protoFolder = join(repositoryRoot, 'proto');

/** Methods by `Service.Method`, for example `KV.Range`. */
const methods = loadMethods();

function loadMethods(): ReadonlyMap<string, Method> {
  const files = readdirSync(protoFolder).filter((name) => name.endsWith('.proto'));
  const found = new Map<string, Method>();
  const definition = loadSync(files, { includeDirs: [protoFolder], keepCase: true, longs: String });
  for (const [name, entry] of Object.entries(definition)) {
    if ('format' in entry) continue;
    const service = name.slice(name.lastIndexOf('.') + 1);
    for (const [method, details] of Object.entries(entry as ServiceDefinition)) {
      found.set(`${service}.${method}`, details);
    }
  }
  return found;
}

export function methodNamed(name: string): Method {
  const method = methods.get(name);
  if (method === undefined) throw new Error(`no method ${name} in proto/`);
  return method;
}
