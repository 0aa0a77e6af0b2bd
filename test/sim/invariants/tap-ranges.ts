import type { Bytes } from '../../../src/base/bytes.ts';
import type { ServerMember } from '../../../src/server/member.ts';
import type { LargeRange, RangeStreamSource } from '../../../src/server/types.ts';
import { ok } from '../../../src/wire/errors.ts';
import { RangeResponse, type RangeRequest } from '../../../src/wire/kv.ts';
import { varintBytes } from '../../../src/wire/varint.ts';
import type { AnsweredRange } from './sight.ts';

/** Notes what a member answers to ranges, whole, by whichever way it goes out: at once, in pieces, as a stream. */
export function tapRanges(member: ServerMember, note: (answered: AnsweredRange) => void): void {
  const range = member.range.bind(member);
  member.range = (request, done) => {
    const askedAt = member.revision;
    range(request, (outcome) => {
      note({ request, outcome, askedAt });
      done(outcome);
    });
  };
  const rangeToSend = member.rangeToSend.bind(member);
  member.rangeToSend = (request, done) => {
    const askedAt = member.revision;
    rangeToSend(request, (outcome) => {
      if (!outcome.ok) note({ request, outcome, askedAt });
      else if (outcome.value.type === 'whole')
        note({ request, outcome: ok(outcome.value.response), askedAt });
      else if (outcome.value.type === 'page') {
        const { kvs, answer } = outcome.value;
        const { kvs: rows } = RangeResponse.decode(kvs.finish(answer));
        note({ request, outcome: ok({ ...answer, kvs: rows }), askedAt });
      } else {
        const large = tapLarge(outcome.value.large, request, askedAt, note);
        return done(ok({ type: 'large', large }));
      }
      done(outcome);
    });
  };
  const rangeStream = member.rangeStream.bind(member);
  member.rangeStream = (request) => tapStream(rangeStream(request), request, member, note);
  const readTxn = member.readTxn.bind(member);
  member.readTxn = (request, done) => {
    const askedAt = member.revision;
    readTxn(request, (outcome) => {
      if (outcome.ok) {
        const { succeeded, responses, header } = outcome.value;
        (succeeded ? request.success : request.failure).forEach((operation, i) => {
          const response = responses[i]?.response;
          if (operation.request?.case !== 'requestRange') return;
          if (response?.case !== 'responseRange') return;
          const value = { ...response.value, header };
          note({ request: operation.request.value, outcome: ok(value), askedAt });
        });
      }
      done(outcome);
    });
  };
}

/** Noted when the last piece was taken. */
function tapLarge(
  large: LargeRange,
  request: RangeRequest,
  askedAt: number,
  note: (answered: AnsweredRange) => void,
): LargeRange {
  const kvs: Bytes[] = [];
  let leftBytes = large.kvsBytes;
  return {
    rest: large.rest,
    kvsBytes: large.kvsBytes,
    next: () => {
      const piece = large.next();
      for (const kv of piece ?? []) {
        kvs.push(kv);
        leftBytes -= 1 + varintBytes(kv.length) + kv.length;
      }
      const isWhole = piece !== undefined && leftBytes === 0;
      if (isWhole) note({ request, outcome: ok({ ...large.rest, kvs }), askedAt });
      return piece;
    },
    close: () => large.close(),
  };
}

function tapStream(
  source: RangeStreamSource,
  request: RangeRequest,
  member: ServerMember,
  note: (answered: AnsweredRange) => void,
): RangeStreamSource {
  const askedAt = member.revision;
  const kvs: Bytes[] = [];
  return {
    next: (done) =>
      source.next((outcome) => {
        if (!outcome.ok) note({ request, outcome, askedAt });
        else {
          const { response, isLast } = outcome.value;
          kvs.push(...response.kvs);
          if (isLast) note({ request, outcome: ok({ ...response, kvs }), askedAt });
        }
        done(outcome);
      }),
    close: () => source.close(),
  };
}
