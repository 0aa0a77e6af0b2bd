import assert from 'node:assert/strict';
import { mustGet } from '../../src/base/assert.ts';
import { utf8, type Bytes } from '../../src/base/bytes.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { Code, errors, failed, ok } from '../../src/wire/errors.ts';
import { ResponseHeader } from '../../src/wire/header.ts';
import {
  CompactionRequest,
  CompactionResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
} from '../../src/wire/kv.ts';
import type { RecordedCall } from './caller.ts';
import { FakeMember, type Proposal } from './fake-member.ts';
import { op } from './golden/scenario.ts';
import { answerOf, servicesOf, start } from './services.ts';

const put = '/etcdserverpb.KV/Put';
const range = '/etcdserverpb.KV/Range';
const txn = '/etcdserverpb.KV/Txn';
const compact = '/etcdserverpb.KV/Compact';
const request = PutRequest.encode({ key: utf8('a'), value: utf8('1') });

function onlyMessage({ answer }: Pick<RecordedCall, 'answer'>): Bytes {
  assert.equal(answer?.code, Code.OK, answer?.text);
  assert.equal(answer.messages.length, 1);
  return mustGet(answer.messages[0], 'message');
}

const proposed = (member: FakeMember): Proposal => mustGet(member.proposals[0], 'a proposal');
const header = (revision: number): ResponseHeader => ResponseHeader.create({ revision });

describe('a write', () => {
  it('is replicated as the bytes that came, and answered once it is applied', () => {
    const services = servicesOf(new FakeMember());
    const call = start(services, put, request);
    assert.equal(call.answer, undefined);
    const { kind, request: bytes, done } = proposed(services.member);
    assert.equal(kind, CommandKind.put);
    assert.equal(bytes, request);
    done(ok(PutResponse.create({ header: header(5) })));
    const answered = { clusterId: 0xc1n, memberId: 0xa1n, revision: 5, raftTerm: 3 };
    assert.deepEqual(PutResponse.decode(onlyMessage(call)).header, answered);
  });

  it('is encoded afresh when it holds a field that this version does not know', () => {
    const services = servicesOf(new FakeMember());
    start(services, put, new Uint8Array([...request, 0xf8, 0x7f, 1]));
    assert.deepEqual(proposed(services.member).request, request);
  });

  it('takes the revision of the store where its response has none', () => {
    const services = servicesOf(new FakeMember());
    const call = start(services, put, request);
    proposed(services.member).done(ok(PutResponse.create()));
    assert.equal(PutResponse.decode(onlyMessage(call)).header?.revision, 7);
  });

  it('answers with the error that applying it gave', () => {
    const services = servicesOf(new FakeMember());
    const call = start(services, put, request);
    proposed(services.member).done(failed(errors.leaseNotFound));
    assert.deepEqual(call.answer, { ...errors.leaseNotFound, messages: [] });
  });

  it('may be as large as the limit less what a log entry adds', () => {
    const overhead = 17;
    const fits = PutRequest.encode({ key: utf8('a'), value: new Uint8Array(100) });
    const limits = { requestBytesMax: fits.length + overhead, txnOpsMax: 128 };
    const services = servicesOf(new FakeMember(), { limits });
    start(services, put, fits);
    assert.equal(services.member.proposals.length, 1);
    const larger = PutRequest.encode({ key: utf8('a'), value: new Uint8Array(101) });
    assert.equal(answerOf(services, put, larger).text, errors.requestTooLarge.text);
    assert.equal(services.member.proposals.length, 1);
  });

  it('is not answered when its caller left, and is not even proposed when it left before', () => {
    const services = servicesOf(new FakeMember());
    const call = start(services, put, request);
    call.cancel();
    proposed(services.member).done(ok(PutResponse.create()));
    assert.equal(call.answer?.code, Code.Canceled);
    assert.equal(call.messages.length, 0);
  });
});

describe('a range', () => {
  const encoded = RangeRequest.encode({ key: utf8('a') });

  it('is read once ReadIndex says that it is linearizable', () => {
    const services = servicesOf(new FakeMember());
    services.member.readOutcome = undefined;
    const call = start(services, range, encoded);
    assert.equal(services.member.ranges.length, 0);
    mustGet(services.member.reads[0], 'a read')(ok(undefined));
    const response = RangeResponse.decode(onlyMessage(call));
    assert.equal(response.header?.revision, 6);
    assert.equal(response.header.memberId, 0xa1n);
    assert.equal(response.count, 1);
  });

  it('is read at once when it is serializable, by a learner too', () => {
    const services = servicesOf(new FakeMember());
    services.member.readOutcome = undefined;
    services.member.isLearner = true;
    onlyMessage(
      start(services, range, RangeRequest.encode({ key: utf8('a'), serializable: true })),
    );
  });

  it('fails when ReadIndex does', () => {
    const services = servicesOf(new FakeMember());
    services.member.readOutcome = failed(errors.timeout);
    assert.deepEqual(answerOf(services, range, encoded), { ...errors.timeout, messages: [] });
  });

  it('is not read when its caller left while ReadIndex was under way', () => {
    const services = servicesOf(new FakeMember());
    services.member.readOutcome = undefined;
    start(services, range, encoded).cancel();
    mustGet(services.member.reads[0], 'a read')(ok(undefined));
    assert.equal(services.member.ranges.length, 0);
  });
});

describe('a transaction', () => {
  const rangeOf = (serializable: boolean) => op.range({ key: 'a', serializable });

  it('that may write goes through the log, whichever branch would write', () => {
    const services = servicesOf(new FakeMember());
    const encoded = TxnRequest.encode({
      success: [rangeOf(true)],
      failure: [op.put({ key: 'a' })],
    });
    const call = start(services, txn, encoded);
    assert.equal(proposed(services.member).kind, CommandKind.txn);
    proposed(services.member).done(ok(TxnResponse.create({ header: header(9) })));
    assert.equal(TxnResponse.decode(onlyMessage(call)).header?.revision, 9);
  });

  it('of ranges alone waits for ReadIndex', () => {
    const services = servicesOf(new FakeMember());
    services.member.readOutcome = undefined;
    const call = start(
      services,
      txn,
      TxnRequest.encode({ success: [rangeOf(true), rangeOf(false)] }),
    );
    assert.equal(call.answer, undefined);
    mustGet(services.member.reads[0], 'a read')(ok(undefined));
    assert.equal(TxnResponse.decode(onlyMessage(call)).succeeded, true);
    assert.deepEqual(services.member.proposals, []);
  });

  it('of serializable ranges, or of nothing, is read locally', () => {
    const services = servicesOf(new FakeMember());
    services.member.readOutcome = undefined;
    onlyMessage(start(services, txn, TxnRequest.encode({ success: [rangeOf(true)] })));
    onlyMessage(start(services, txn, new Uint8Array(0)));
  });
});

describe('a compaction', () => {
  it('is answered once it is applied', () => {
    const services = servicesOf(new FakeMember());
    const call = start(services, compact, CompactionRequest.encode({ revision: 3 }));
    proposed(services.member).done(ok(CompactionResponse.create({ header: header(8) })));
    assert.equal(CompactionResponse.decode(onlyMessage(call)).header?.revision, 8);
  });

  it('is answered once the rows are gone when it is physical', () => {
    const services = servicesOf(new FakeMember());
    const call = start(
      services,
      compact,
      CompactionRequest.encode({ revision: 3, physical: true }),
    );
    proposed(services.member).done(ok(CompactionResponse.create()));
    assert.equal(call.answer, undefined);
    for (const done of services.member.compacted) done();
    onlyMessage(call);
  });
});
