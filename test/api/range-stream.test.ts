import assert from 'node:assert/strict';
import { mustGet } from '../../src/base/assert.ts';
import { utf8 } from '../../src/base/bytes.ts';
import type { Done, RangeStreamSource } from '../../src/server/types.ts';
import { Code, errors, failed, ok } from '../../src/wire/errors.ts';
import { ResponseHeader } from '../../src/wire/header.ts';
import { RangeRequest, RangeResponse, RangeStreamResponse } from '../../src/wire/kv.ts';
import type { RecordedCall } from './caller.ts';
import { FakeMember } from './fake-member.ts';
import { servicesOf, start } from './services.ts';

const path = '/etcdserverpb.KV/RangeStream';
const request = RangeRequest.encode({ key: utf8('a'), rangeEnd: utf8('\0') });

type NextDone = Parameters<RangeStreamSource['next']>[0];

/** A source of numbered chunks that answers at once, or when the test calls what is in `asked`. */
class Chunks implements RangeStreamSource {
  readonly asked: NextDone[] = [];
  isClosed = false;
  private readonly count: number;
  private readonly isPrompt: boolean;
  private sent = 0;

  constructor(count: number, isPrompt: boolean) {
    this.count = count;
    this.isPrompt = isPrompt;
  }

  next(done: NextDone): void {
    if (this.isPrompt) this.answer(done);
    else this.asked.push(done);
  }

  answer(done: NextDone): void {
    this.sent += 1;
    const isLast = this.sent === this.count;
    const header = isLast ? ResponseHeader.create({ revision: 5 }) : undefined;
    done(
      ok({ response: RangeResponse.create({ header, count: isLast ? this.count : 0 }), isLast }),
    );
  }

  close(): void {
    this.isClosed = true;
  }
}

function startWith(chunks: Chunks, prepare: (member: FakeMember) => void = () => undefined) {
  const services = servicesOf(new FakeMember());
  services.member.stream = chunks;
  prepare(services.member);
  return { services, call: start(services, path, request) };
}

const responsesOf = (call: RecordedCall): readonly RangeResponse[] =>
  call.messages.map((bytes) =>
    mustGet(RangeStreamResponse.decode(bytes).rangeResponse, 'response'),
  );

describe('RangeStream', () => {
  it('sends every chunk, the header on the last alone and with its own revision', () => {
    const chunks = new Chunks(3, true);
    const { call } = startWith(chunks);
    const headers = responsesOf(call).map(({ header }) => header);
    const last = { clusterId: 0xc1n, memberId: 0xa1n, revision: 5, raftTerm: 3 };
    assert.deepEqual(headers, [undefined, undefined, last]);
    assert.equal(call.answer?.code, Code.OK);
    assert.ok(chunks.isClosed);
  });

  it('does not grow the stack with the number of chunks', () => {
    const { call } = startWith(new Chunks(100_000, true));
    assert.equal(call.messages.length, 100_000);
  });

  it('asks for no more chunks while the caller takes none', () => {
    const chunks = new Chunks(3, false);
    const { call } = startWith(chunks);
    call.hasRoom = false;
    chunks.answer(mustGet(chunks.asked[0], 'first'));
    assert.equal(chunks.asked.length, 1);
    call.drain();
    assert.equal(chunks.asked.length, 2);
    call.drain();
    assert.equal(chunks.asked.length, 2, 'one chunk is under way already');
    chunks.answer(mustGet(chunks.asked[1], 'second'));
    chunks.answer(mustGet(chunks.asked[2], 'third'));
    assert.equal(call.answer?.code, Code.OK);
    assert.equal(call.messages.length, 3);
  });

  it('ends with the error of the chunk that could not be read', () => {
    const chunks = new Chunks(3, false);
    const { call } = startWith(chunks);
    chunks.answer(mustGet(chunks.asked[0], 'first'));
    mustGet(chunks.asked[1], 'second')(failed(errors.compacted));
    assert.equal(call.answer?.text, errors.compacted.text);
    assert.equal(call.messages.length, 1);
    assert.ok(chunks.isClosed);
  });

  it('closes its source when the caller leaves, and sends nothing after', () => {
    const chunks = new Chunks(3, false);
    const { call } = startWith(chunks);
    call.cancel();
    assert.ok(chunks.isClosed);
    chunks.answer(mustGet(chunks.asked[0], 'first'));
    assert.equal(call.messages.length, 0);
    assert.equal(chunks.asked.length, 1);
  });

  it('is not opened when the caller left while ReadIndex was under way', () => {
    const chunks = new Chunks(1, true);
    const { services, call } = startWith(chunks, (member) => void (member.readOutcome = undefined));
    call.cancel();
    const done: Done<undefined> = mustGet(services.member.reads[0], 'a read');
    done(ok(undefined));
    assert.equal(services.member.ranges.length, 0);
  });
});

describe('a stream that requires a leader', () => {
  const open = (chunks: Chunks) => {
    const services = servicesOf(new FakeMember());
    services.member.stream = chunks;
    return { services, call: start(services, path, request, { hasleader: 'true' }) };
  };

  it('is ended after three election timeouts without one', () => {
    const { services, call } = open(new Chunks(1, false));
    services.scheduler.advance(1000);
    services.member.lead = 0n;
    services.scheduler.advance(1000);
    services.scheduler.advance(1000);
    assert.equal(call.answer, undefined);
    services.scheduler.advance(1000);
    assert.deepEqual(call.answer, { ...errors.noLeader, messages: [] });
    assert.equal(services.scheduler.pending, 0, 'with no stream left there is nothing to look for');
  });

  it('survives a leader that comes back in time', () => {
    const { services, call } = open(new Chunks(1, false));
    services.member.lead = 0n;
    services.scheduler.advance(1000);
    services.scheduler.advance(1000);
    services.member.lead = 0xb2n;
    services.scheduler.advance(1000);
    services.member.lead = 0n;
    services.scheduler.advance(1000);
    services.scheduler.advance(1000);
    assert.equal(call.answer, undefined);
  });
});
