import type { Random } from '../../src/base/random.ts';
import type { ServerMember } from '../../src/server/member.ts';
import type { Done, RangeToSend } from '../../src/server/types.ts';
import { CommandKind } from '../../src/wire/command.ts';
import {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  SortOrder,
  SortTarget,
  TxnRequest,
  type DeleteRangeResponse,
  type RangeResponse,
  type TxnResponse,
} from '../../src/wire/kv.ts';
import { textOf } from '../../src/base/bytes.ts';
import { bytesOf, type MemoryCluster } from '../server/cluster.ts';
import { SimCalls, type Note } from './calls.ts';
import type { SimHistory, Write } from './history.ts';
import type { Probes } from './types.ts';

/** In the order of the keys: what is large of it is made while it is sent. */
const everything = {
  key: bytesOf('x/'),
  rangeEnd: bytesOf('x0'),
  limit: 0,
  sortOrder: SortOrder.NONE,
  sortTarget: SortTarget.KEY,
  keysOnly: false,
  countOnly: false,
};

const keysMax = 400;
/** As etcd allows by default. */
const opsMax = 128;
/** Beyond this nothing new is asked, only waited for. */
const openCallsMax = 40;

export interface WideParts {
  readonly cluster: MemoryCluster;
  readonly random: Random;
  readonly note: Note;
  readonly history: SimHistory;
  readonly valueBytes: number;
  readonly probes: Probes;
}

/**
 * Clients that write and delete many keys at a time, so that entries are applied in steps, and that read them by
 * ranges of all kinds. What ranges answer is judged where every answer is (invariants/range-answers.ts).
 */
export class SimWide {
  private readonly parts: WideParts;
  private readonly calls: SimCalls;
  private readonly padding: string;
  private values = 0;

  constructor(parts: WideParts) {
    this.parts = parts;
    this.calls = new SimCalls(parts.note);
    this.padding = '.'.repeat(parts.valueBytes);
  }

  get isIdle(): boolean {
    return this.calls.isIdle;
  }

  act(): void {
    const members = this.parts.cluster.callable;
    const member = members[this.below(Math.max(1, members.length))];
    if (member === undefined || this.calls.count >= openCallsMax) return;
    switch (this.below(8)) {
      case 0:
      case 1:
      case 2:
        return this.putMany(member);
      case 3:
        return this.removeMany(member);
      case 4:
        return this.replaceMany(member);
      default:
        return this.read(member);
    }
  }

  private putMany(member: ServerMember): void {
    const writes = this.writesFrom(this.below(keysMax), this.count());
    this.txn(member, `put ${describe(writes)}`, TxnRequest.create({ success: putsOf(writes) }), {
      applied: (revision) => this.parts.history.wroteAll(writes, revision),
      writes,
    });
  }

  private removeMany(member: ServerMember): void {
    const { history } = this.parts;
    const [from, to] = this.bounds();
    const removal = history.beganRemoval(from, to);
    const prevKv = this.below(4) === 0;
    const request = DeleteRangeRequest.create({
      key: bytesOf(from),
      rangeEnd: bytesOf(to),
      prevKv,
    });
    const done = this.calls.begin<DeleteRangeResponse>(
      member,
      `delete ${from} to ${to}`,
      ({ header, deleted }) => history.removed(removal, deleted > 0 ? header?.revision : undefined),
      (error) => history.refused([removal], error),
    );
    const encoded = DeleteRangeRequest.encode(request);
    member.propose(CommandKind.deleteRange, encoded, done as Done<unknown>);
  }

  /** Deletes a range and puts others, at one revision; and asks what is there, which sees both. */
  private replaceMany(member: ServerMember): void {
    const { history } = this.parts;
    const at = this.below(keysMax);
    const writes = this.writesFrom(at, this.count() - 2);
    const [from, to] = [keyOf(at + writes.length), keyOf(at + writes.length + this.below(keysMax))];
    const removal = history.beganRemoval(from, to);
    const range = { key: bytesOf(from), rangeEnd: bytesOf(to) };
    const success = [
      ...putsOf(writes),
      {
        request: { case: 'requestDeleteRange' as const, value: DeleteRangeRequest.create(range) },
      },
      { request: { case: 'requestRange' as const, value: RangeRequest.create(range) } },
    ];
    this.txn(member, `replace ${describe(writes)} to ${to}`, TxnRequest.create({ success }), {
      applied: (revision) => {
        history.wroteAll(writes, revision);
        history.removed(removal, revision);
      },
      writes: [...writes, removal],
    });
  }

  private txn(
    member: ServerMember,
    what: string,
    request: TxnRequest,
    {
      applied,
      writes,
    }: { applied: (revision: number) => void; writes: Parameters<SimHistory['refused']>[0] },
  ): void {
    const done = this.calls.begin<TxnResponse>(
      member,
      what,
      ({ header }) => applied(header?.revision ?? 0),
      (error) => this.parts.history.refused(writes, error),
    );
    member.propose(CommandKind.txn, TxnRequest.encode(request), done as Done<unknown>);
  }

  /** Linearizable or not, and whichever way the answer goes out. */
  private read(member: ServerMember): void {
    const request = this.rangeRequest(member);
    if (this.below(2) === 0) return this.readNow(member, request);
    const done = this.calls.begin<undefined>(member, 'read index for a range', () =>
      this.readNow(member, request),
    );
    member.readIndex(done);
  }

  private readNow(member: ServerMember, request: RangeRequest): void {
    const what = `range from ${textOf(request.key)}`;
    switch (this.below(6)) {
      case 0:
        return member.range(
          request,
          this.calls.begin(member, what, () => undefined),
        );
      case 1:
        return this.stream(member, { ...request, sortOrder: 0, sortTarget: 0 });
      case 2: {
        const success = [{ request: { case: 'requestRange' as const, value: request } }];
        const done = this.calls.begin<TxnResponse>(member, what, () => undefined);
        return member.readTxn(TxnRequest.create({ success }), done);
      }
      default:
        return member.rangeToSend(
          this.below(2) === 0 ? request : { ...request, ...everything },
          this.calls.begin<RangeToSend>(member, what, (answer) => {
            if (answer.type === 'large') this.take(member, answer);
          }),
        );
    }
  }

  /** A client takes a large answer now and then, or leaves in the middle. */
  private take(member: ServerMember, { large }: RangeToSend & { readonly type: 'large' }): void {
    const { scheduler } = this.parts.cluster;
    const delayMs = this.below(100);
    let leftBytes = large.kvsBytes;
    const next = (): void => {
      const kvs = member.hasStopped ? undefined : large.next();
      for (const kv of kvs ?? []) leftBytes -= 1 + lengthBytes(kv.length) + kv.length;
      if (kvs !== undefined && leftBytes > 0) return void scheduler.after(delayMs, next);
      if (leftBytes === 0) this.parts.probes.sometimes('answer made while it is sent');
      large.close();
    };
    if (this.below(8) === 0) large.close();
    else scheduler.after(delayMs, next);
  }

  private stream(member: ServerMember, request: RangeRequest): void {
    const source = member.rangeStream(request);
    const next = (): void => {
      if (member.hasStopped) return source.close();
      type Chunk = { readonly response: RangeResponse; readonly isLast: boolean };
      source.next(
        this.calls.begin<Chunk>(member, 'chunk of a stream', ({ isLast }) => {
          if (!isLast) this.parts.cluster.scheduler.after(5, next);
        }),
      );
    };
    next();
  }

  private rangeRequest(member: ServerMember): RangeRequest {
    const [from, to] = this.bounds();
    const isWhole = this.below(4) === 0;
    const isOld = this.below(3) === 0;
    return RangeRequest.create({
      key: bytesOf(isWhole ? 'x/' : from),
      rangeEnd: bytesOf(isWhole ? 'x0' : to),
      limit: this.below(2) === 0 ? 0 : 1 + this.below(100),
      revision: isOld ? 1 + this.below(member.revision + 2) : 0,
      sortOrder: this.oneOf(Object.values(SortOrder)),
      sortTarget: this.below(2) === 0 ? 0 : this.oneOf(Object.values(SortTarget)),
      keysOnly: this.below(6) === 0,
      countOnly: this.below(10) === 0,
    });
  }

  private writesFrom(at: number, count: number): readonly Write[] {
    const { history } = this.parts;
    return Array.from({ length: count }, (_, i) =>
      history.began(keyOf(at + i), `w${this.values++}${this.padding}`),
    );
  }

  private bounds(): readonly [from: string, to: string] {
    const at = this.below(keysMax);
    return [keyOf(at), keyOf(at + 1 + this.below(keysMax))];
  }

  private count(): number {
    return this.oneOf([3, 10, 40, 100, opsMax]);
  }

  private below(bound: number): number {
    return this.parts.random.below(bound);
  }

  private oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

function keyOf(at: number): string {
  return `x/${String(at).padStart(3, '0')}`;
}

function describe(writes: readonly Write[]): string {
  return `${writes.length} keys from ${writes[0]?.key ?? ''}`;
}

function putsOf(writes: readonly Write[]) {
  return writes.map(({ key, value }) => {
    const put = PutRequest.create({ key: bytesOf(key), value: bytesOf(value ?? '') });
    return { request: { case: 'requestPut' as const, value: put } };
  });
}

/** Of a length as a varint: values of this world are shorter than 2 MiB. */
function lengthBytes(length: number): number {
  if (length < 2 ** 7) return 1;
  return length < 2 ** 14 ? 2 : 3;
}
