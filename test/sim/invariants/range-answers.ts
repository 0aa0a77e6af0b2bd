import { binaryString, equalBytes, type Bytes } from '../../../src/base/bytes.ts';
import { errors } from '../../../src/wire/errors.ts';
import {
  SortOrder,
  SortTarget,
  type RangeRequest,
  type RangeResponse,
} from '../../../src/wire/kv.ts';
import { KeyValue } from '../../../src/wire/mvccpb.ts';
import { rangeOf } from '../../apply/model.ts';
import { must, type Property } from './property.ts';
import type { RowHistory } from './row-history.ts';
import type { AnsweredRange, Sight } from './sight.ts';

const name = 'I46 ranges answer what was written';

/**
 * Whatever is asked of a range, keys, order, limit, revision, and however the answer goes out, it is exactly what the
 * rows up to its revision make of it; and no revision is refused that could be read.
 */
export const rangeAnswers: Property = {
  name,
  on: ['ranges'],
  judge({ id, ranges, now }: Sight, { rows }) {
    for (const answered of ranges) {
      const { request, outcome } = answered;
      const problem = outcome.ok
        ? problemOf(request, outcome.value, answered.askedAt, rows)
        : refusalProblem(answered, now.compactRevision);
      must(
        problem === undefined,
        name,
        () => `${id}, asked for ${describeRequest(request)} at ${answered.askedAt}: ${problem}`,
      );
    }
  },
};

function refusalProblem(
  { request: { revision }, outcome, askedAt }: AnsweredRange,
  compactRevision: number,
): string | undefined {
  const text = outcome.ok ? '' : outcome.error.text;
  if (text === errors.futureRevision.text && revision <= askedAt)
    return `revision ${revision} is refused as one of the future`;
  if (text === errors.compacted.text && revision > 0 && revision >= compactRevision)
    return `revision ${revision} is refused as compacted, which is ${compactRevision}`;
  return undefined;
}

function problemOf(
  request: RangeRequest,
  response: RangeResponse,
  askedAt: number,
  rows: RowHistory,
): string | undefined {
  const { kvs, more, count } = response;
  const current = response.header?.revision ?? 0;
  if (current < askedAt) return `it answers at revision ${current}, an older one`;
  const revision = request.revision > 0 ? request.revision : current;
  if (!rows.isKnown(revision)) return undefined;
  const live = rows.liveAt(revision, ...boundsOf(request));
  const right = isPlain(request)
    ? plainAnswer(live, request.limit)
    : sorted(live, request, current);
  if (count !== live.length) return `it counts ${count} keys of ${live.length}`;
  if (more !== right.more) return `it says more=${more}`;
  const at = right.kvs.findIndex((kv, i) => !equalBytes(kv, kvs[i] ?? nothing));
  if (at >= 0)
    return `it has ${describeRow(kvs[at])} in place ${at}, right is ${describeRow(right.kvs[at])}`;
  return kvs.length === right.kvs.length
    ? undefined
    : `it has ${kvs.length} keys, right are ${right.kvs.length}`;
}

type Answer = Pick<RangeResponse, 'kvs' | 'more'>;

function isPlain({ keysOnly, countOnly, sortOrder, sortTarget }: RangeRequest): boolean {
  const isInOrder =
    sortOrder === SortOrder.NONE ||
    (sortOrder === SortOrder.ASCEND && sortTarget === SortTarget.KEY);
  return isInOrder && sortTarget === SortTarget.KEY && !keysOnly && !countOnly;
}

function plainAnswer(live: readonly Bytes[], limit: number): Answer {
  if (limit <= 0 || live.length <= limit) return { kvs: live, more: false };
  return { kvs: live.slice(0, limit), more: true };
}

/** By the model of etcd's KV service that the tests of src/apply use. */
function sorted(live: readonly Bytes[], request: RangeRequest, current: number): Answer {
  const state = new Map(
    live.map((row) => {
      const kv = KeyValue.decode(row);
      return [binaryString(kv.key), kv] as const;
    }),
  );
  return rangeOf(state, request, current);
}

function boundsOf({ key, rangeEnd }: RangeRequest): readonly [from: string, to?: string] {
  const from = binaryString(key);
  if (rangeEnd.length === 0) return [from, `${from}\0`];
  return rangeEnd.length === 1 && rangeEnd[0] === 0 ? [from] : [from, binaryString(rangeEnd)];
}

function describeRequest(request: RangeRequest): string {
  const [from, to] = boundsOf(request);
  const { limit, revision, sortOrder, sortTarget, keysOnly, countOnly } = request;
  const asks = { limit, revision, sortOrder, sortTarget, keysOnly, countOnly };
  const words = Object.entries(asks).filter(([, value]) => value !== 0 && value !== false);
  const rest = words.map(([word, value]) => `${word}=${String(value)}`);
  return [`[${JSON.stringify(from)}, ${JSON.stringify(to ?? '')})`, ...rest].join(' ');
}

function describeRow(row: Bytes | undefined): string {
  if (row === undefined) return 'nothing';
  const { key, modRevision } = KeyValue.decode(row);
  return `${binaryString(key)}@${modRevision}`;
}

const nothing: Bytes = new Uint8Array(0);
