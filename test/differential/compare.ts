import { isDeepStrictEqual } from 'node:util';
import type { Answer } from '../members/client.ts';
import { methodNamed, type WireObject, type WireValue } from '../members/protocol.ts';
import { isMessage } from './messages.ts';
import { leaseAnswerDifference, withoutOwnIds, withoutTolerated } from './lease-answers.ts';
import type { Operation } from './operation.ts';
import { noSides, type Sides } from './sides.ts';
import { withTiesSettled } from './ties.ts';

/** Above this an answer is not encoded again to look for fields that proto/ does not know. */
const reencodedBytesMax = 1 << 16;

/** What differs between two answers to the same operation; undefined when nothing does. */
export function difference(
  operation: Operation,
  reference: Answer,
  subject: Answer,
  sides: Sides = noSides,
): string | undefined {
  if (!reference.ok || !subject.ok) return errorDifference(reference, subject);
  if (reference.messages !== subject.messages) {
    return `${reference.messages} messages against ${subject.messages}`;
  }
  if (operation.kind !== 'call' && operation.kind !== 'bytes') return undefined;
  const unknown = unknownFields(operation.method, subject);
  if (unknown !== undefined) return unknown;
  const named = {
    reference: withoutOwnIds(operation, reference.message, sides.reference),
    subject: withoutOwnIds(operation, subject.message, sides.subject),
  };
  const beyondTolerance = leaseAnswerDifference(operation, named, sides);
  if (beyondTolerance !== undefined) return beyondTolerance;
  const wanted = comparable(operation, withoutTolerated(operation, named.reference));
  const got = comparable(operation, withoutTolerated(operation, named.subject));
  return isDeepStrictEqual(wanted, got) ? undefined : firstDifference(wanted, got, '');
}

function errorDifference(reference: Answer, subject: Answer): string | undefined {
  if (reference.ok) return 'an answer against an error';
  if (subject.ok) return 'an error against an answer';
  if (reference.code !== subject.code) return `code ${reference.code} against ${subject.code}`;
  if (plainText(reference.text) !== plainText(subject.text)) return 'the text of the error';
  return undefined;
}

/** protobuf-go puts a space or a no-break space after its prefix, by a hash of the binary. */
export function plainText(text: string): string {
  return text.replaceAll('\u00a0', ' ').replace(/\s+/g, ' ');
}

/**
 * proto-loader drops what proto/ does not declare, and writes nothing at a field's default. So an answer that
 * comes out shorter than it came in had a field that the comparison would not see.
 */
function unknownFields(method: string, answer: Answer): string | undefined {
  if (!answer.ok || answer.messages > 1 || answer.raw.length > reencodedBytesMax) return undefined;
  const again = methodNamed(method).responseSerialize(answer.message);
  if (again.length === answer.raw.length) return undefined;
  return `${answer.raw.length} bytes, of which ${again.length} are known fields`;
}

/** The answer with what may differ taken out: ids and term stay by presence only, ties lose their order. */
function comparable(operation: Operation, message: WireObject): WireObject {
  return withoutIds(withTiesSettled(operation, message));
}

const presenceOnly = new Set(['cluster_id', 'member_id', 'raft_term', 'members']);

function withoutIds(message: WireObject): WireObject {
  const result: Record<string, WireValue> = {};
  for (const [field, value] of Object.entries(message)) {
    result[field] = presenceOnly.has(field) ? 'present' : withoutIdsInside(value, field);
  }
  return result;
}

/** Key-value pairs hold no ids: they, the bulk of an answer, are left as they are. */
function withoutIdsInside(value: WireValue, field: string): WireValue {
  if (field === 'kvs' || field === 'prev_kvs' || field === 'prev_kv') return value;
  if (Array.isArray(value)) return value.map((inner) => withoutIdsInside(inner, field));
  return isMessage(value) ? withoutIds(value) : value;
}

/** The path of the first field that differs, and both its values where they are short. */
export function firstDifference(wanted: WireValue, got: WireValue, path: string): string {
  const [a, b] = [wanted, got] as readonly [unknown, unknown];
  const isPlain = typeof a !== 'object' || typeof b !== 'object' || a === null || b === null;
  if (isPlain || a instanceof Uint8Array || b instanceof Uint8Array) {
    return isPlain ? `${path}: ${String(a)} against ${String(b)}` : path;
  }
  const left = a as Record<string, WireValue>;
  const right = b as Record<string, WireValue>;
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (!isDeepStrictEqual(left[key], right[key])) {
      return firstDifference(left[key], right[key], `${path}.${key}`);
    }
  }
  return path;
}
