import { createHash } from 'node:crypto';
import type { Answer } from '../members/client.ts';
import type { Operation } from './operation.ts';

/** How many bytes of a key or value are shown; of longer ones the length and a digest say the rest. */
const shownBytesMax = 64;
/** How many elements of a list are shown. */
const shownElementsMax = 20;

/** One line of JSON; bytes as text with escapes. */
export function describeOperation(operation: Operation): string {
  if (operation.kind === 'path') return operation.path;
  if (operation.kind === 'bytes') {
    return `${operation.method} bytes ${Buffer.from(operation.bytes).toString('hex').slice(0, 400)}`;
  }
  if (operation.kind === 'call') {
    const grants = operation.grants === undefined ? '' : ` as ${operation.grants}`;
    return `${operation.method} ${describeValue(operation.request)}${grants}`;
  }
  if (operation.kind === 'watch') {
    const { type, ...details } = operation.action;
    return `watch stream ${operation.stream}: ${type} ${describeValue(details)}`;
  }
  const { kind, ...details } = operation;
  return `${kind} ${describeValue(details)}`;
}

export function describeAnswer(answer: Answer): string {
  if (!answer.ok) return `error ${answer.code}: ${answer.text}`;
  const { said, ...others } = answer.message;
  if (!Array.isArray(said)) return describeValue(others);
  // Messages of a stream, a line each.
  return said.map((message) => `\n    ${describeValue(message)}`).join('');
}

export function describeValue(value: unknown): string {
  return JSON.stringify(shown(value));
}

function shown(value: unknown): unknown {
  if (value instanceof Uint8Array) return describeBytes(value);
  if (Array.isArray(value)) {
    const head = value.slice(0, shownElementsMax).map(shown);
    return value.length > head.length ? [...head, `... ${value.length} in all`] : head;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]));
}

export function describeBytes(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, shownBytesMax))
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  if (bytes.length <= shownBytesMax) return text;
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 8);
  return `${text}... ${bytes.length} bytes, sha256 ${digest}`;
}
