import assert from 'node:assert/strict';
import type { Random } from '../../src/base/random.ts';
import type { ServerMember } from '../../src/server/member.ts';
import type { Done } from '../../src/server/types.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { errors, failed, type EtcdError } from '../../src/wire/errors.ts';
import {
  CompactionRequest,
  Compare,
  CompareTarget,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
  type DeleteRangeResponse,
  type PutResponse,
  type RangeResponse,
  type TxnResponse,
} from '../../src/wire/kv.ts';
import { KeyValue } from '../../src/wire/mvccpb.ts';
import { SimCalls, type Note } from './calls.ts';
import { SimHistory, type Read, type Write } from './history.ts';
import { textOf } from '../../src/base/bytes.ts';
import { bytesOf, type MemoryCluster } from '../server/cluster.ts';

const registers = ['r0', 'r1', 'r2'];
/** Beyond this nothing new is asked, only waited for. */
const openCallsMax = 400;

export interface ClientsParts {
  readonly cluster: MemoryCluster;
  readonly random: Random;
  readonly note: Note;
  readonly paddingBytes: number;
  /** So many keys beside the registers. */
  readonly keys: number;
}

/** Clients that call any member for anything, and write down what they were told. */
export class SimClients {
  readonly history = new SimHistory();
  private readonly cluster: MemoryCluster;
  private readonly random: Random;
  private readonly calls: SimCalls;
  /** The revision at which each register was last seen. */
  private readonly seen = new Map<string, number>();
  /** The newest revision that each run of a member has answered a local read with. */
  private readonly shownBy = new WeakMap<ServerMember, number>();
  private readonly keys: number;
  private values = 0;
  /** The highest revision that was asked to be compacted. */
  compactedMax = 0;

  /** What values are made long by: enough long ones fill the queues of watchers who do not read. */
  private readonly padding: string;

  constructor(parts: ClientsParts) {
    this.cluster = parts.cluster;
    this.random = parts.random;
    this.calls = new SimCalls(parts.note);
    this.keys = parts.keys;
    this.padding = '.'.repeat(parts.paddingBytes);
  }

  get isIdle(): boolean {
    return this.calls.isIdle;
  }

  act(): void {
    if (this.calls.count >= openCallsMax) return;
    const member = this.anyMember();
    if (member !== undefined) this.actAt(member);
  }

  /** Tries until a write is acknowledged. */
  hasWritten(): boolean {
    const before = this.history.writes.length;
    const { leader } = this.cluster;
    if (leader === undefined) return false;
    this.putNew(leader);
    this.cluster.advance(1000);
    return this.history.writes.length > before;
  }

  /** Every key that a member holds, against everything that was acknowledged. */
  readEverything(member: ServerMember): void {
    const outcome = this.cluster.answer<RangeResponse>((done) => member.range(everything, done));
    assert.ok(outcome.ok, 'a range of everything failed');
    this.checkRange(outcome.value);
  }

  private actAt(member: ServerMember): void {
    const register = this.oneOf(registers);
    switch (this.random.below(16)) {
      case 0:
      case 1:
      case 2:
        return this.putNew(member);
      case 3:
        for (let i = this.random.below(20); i > 0; i--) this.putNew(member);
        return;
      case 4:
      case 5:
        return this.put(member, register);
      case 6:
      case 7:
        return this.swap(member, register);
      case 8:
        return this.remove(member, register);
      case 9:
        return this.get(member, register);
      case 10:
        return this.getLocal(member, register);
      case 11:
        return this.rangeAll(member);
      case 12:
        return this.stream(member);
      case 13:
        return this.compact(member, this.random.below(40));
      case 14:
        return this.hashKv(member);
      default:
        return this.maintain(member);
    }
  }

  private putNew(member: ServerMember): void {
    this.put(member, `u${this.values % this.keys}`);
  }

  private put(member: ServerMember, key: string): void {
    const write = this.history.began(key, `v${this.values++}${this.padding}`);
    const request = PutRequest.create({ key: bytesOf(key), value: bytesOf(write.value ?? '') });
    const what = `put ${key} ${shown(write)}`;
    const done = this.call<PutResponse>(
      member,
      what,
      ({ header }) => this.wrote(write, header?.revision ?? 0),
      (error) => this.history.refused([write], error),
    );
    member.propose(CommandKind.put, PutRequest.encode(request), done as Done<unknown>);
  }

  private swap(member: ServerMember, key: string): void {
    const expected = this.seen.get(key) ?? 0;
    const write = this.history.began(key, `v${this.values++}${this.padding}`, expected);
    const request = TxnRequest.create({
      compare: [
        Compare.create({
          key: bytesOf(key),
          target: CompareTarget.MOD,
          targetUnion: { case: 'modRevision', value: expected },
        }),
      ],
      success: [
        {
          request: {
            case: 'requestPut',
            value: PutRequest.create({ key: bytesOf(key), value: bytesOf(write.value ?? '') }),
          },
        },
      ],
      failure: [
        { request: { case: 'requestRange', value: RangeRequest.create({ key: bytesOf(key) }) } },
      ],
    });
    const { beganAt } = write;
    const what = `swap ${key}@${expected} ${shown(write)}`;
    const done = this.call<TxnResponse>(
      member,
      what,
      ({ succeeded, header, responses }) => {
        const revision = header?.revision ?? 0;
        const response = responses[0]?.response;
        if (succeeded) return this.wrote(write, revision);
        write.refusal = 'it found another revision';
        if (response?.case !== 'responseRange') return;
        const found = foundIn(response.value);
        assert.notEqual(found?.modRevision ?? 0, expected, `${what} did not succeed`);
        this.read(beganAt, { key, revision, found });
      },
      (error) => this.history.refused([write], error),
    );
    member.propose(CommandKind.txn, TxnRequest.encode(request), done as Done<unknown>);
  }

  private remove(member: ServerMember, key: string): void {
    const removal = this.history.beganRemoval(key);
    const request = DeleteRangeRequest.encode({ key: bytesOf(key) });
    const done = this.call<DeleteRangeResponse>(
      member,
      `delete ${key}`,
      ({ header, deleted }) => {
        this.history.removed(removal, deleted > 0 ? header?.revision : undefined);
        if (deleted > 0) this.seen.set(key, 0);
      },
      (error) => this.history.refused([removal], error),
    );
    member.propose(CommandKind.deleteRange, request, done as Done<unknown>);
  }

  private get(member: ServerMember, key: string): void {
    const beganAt = this.history.now();
    const done = this.call<RangeResponse>(member, `get ${key}`, (response) => {
      const revision = response.header?.revision ?? 0;
      this.read(beganAt, { key, revision, found: foundIn(response) });
    });
    member.readIndex((outcome) => {
      if (outcome.ok) member.range(RangeRequest.create({ key: bytesOf(key) }), done);
      else done(outcome);
    });
  }

  /** Serializable: what it finds was there, and is not older than what this run of the member has shown before. */
  private getLocal(member: ServerMember, key: string): void {
    const request = RangeRequest.create({ key: bytesOf(key), serializable: true });
    const least = this.shownBy.get(member) ?? 0;
    const done = this.call<RangeResponse>(member, `local get ${key}`, (response) => {
      const revision = response.header?.revision ?? 0;
      assert.ok(revision >= least, `a local read goes from revision ${least} back to ${revision}`);
      this.shownBy.set(member, Math.max(revision, this.shownBy.get(member) ?? 0));
      this.history.readLocally({ key, revision, found: foundIn(response) });
    });
    member.range(request, done);
  }

  private rangeAll(member: ServerMember): void {
    const done = this.call<RangeResponse>(member, 'local range', (response) =>
      this.checkRange(response),
    );
    member.range(everything, done);
  }

  private stream(member: ServerMember): void {
    const source = member.rangeStream(everything);
    const kvs: RangeResponse['kvs'][number][] = [];
    const next = (): void => {
      const done = this.call<{ readonly response: RangeResponse; readonly isLast: boolean }>(
        member,
        'stream of everything',
        ({ response, isLast }) => {
          kvs.push(...response.kvs);
          if (!isLast) this.cluster.scheduler.after(this.random.below(200), next);
          else this.checkRange({ ...response, kvs });
        },
      );
      if (member.hasStopped) done(failed(errors.stopped));
      else source.next(done);
    };
    next();
  }

  compacts(revision: number): void {
    this.compactedMax = Math.max(this.compactedMax, revision);
  }

  compact(member: ServerMember, behind: number): void {
    const revision = Math.max(1, member.revision - behind);
    this.compacts(revision);
    const done = this.call(member, `compact ${revision}`, () => {
      if (this.random.below(2) === 0 || member.hasStopped) return;
      const compacted = this.call(member, 'end of compaction', () => undefined);
      member.whenCompacted(() => compacted({ ok: true, value: undefined }));
    });
    member.propose(CommandKind.compact, CompactionRequest.encode({ revision }), done);
  }

  private hashKv(member: ServerMember): void {
    const revision = this.oneOf([0, Math.max(1, member.revision - this.random.below(40))]);
    member.hashKv(
      revision,
      this.call(
        member,
        `hash of ${revision}`,
        (hash: { revision: number; compactRevision: number; hash: number }) => {
          this.history.hashed(hash.revision, hash.compactRevision, hash.hash);
        },
      ),
    );
  }

  private maintain(member: ServerMember): void {
    switch (this.random.below(4)) {
      case 0:
        return member.hash(this.call(member, 'hash', () => undefined));
      case 1:
        return member.defragment(this.call(member, 'defragment', () => undefined));
      default: {
        const target = this.anyMember();
        if (target !== undefined) this.moveLeader(member, target);
      }
    }
  }

  moveLeader(member: ServerMember, target: ServerMember): void {
    const done = this.call(member, `move leader to ${target.id.toString(16)}`, () => undefined);
    member.moveLeader(target.id, done as Done<undefined>);
  }

  private wrote(write: Write, revision: number): void {
    this.history.wrote(write, revision);
    if (registers.includes(write.key)) this.seen.set(write.key, revision);
  }

  private read(beganAt: number, read: Read): void {
    this.history.read(beganAt, read);
    this.seen.set(read.key, read.found?.modRevision ?? 0);
  }

  private checkRange(response: RangeResponse): void {
    const revision = response.header?.revision ?? 0;
    assert.equal(response.count, response.kvs.length, 'a range is not as long as it says');
    const found = new Map<string, NonNullable<Read['found']>>();
    for (const encoded of response.kvs) {
      const kv = KeyValue.decode(encoded);
      found.set(textOf(kv.key), { value: textOf(kv.value), modRevision: kv.modRevision });
    }
    this.history.checkAll(revision, found);
  }

  private call<T>(
    member: ServerMember,
    what: string,
    answered: (value: T) => void,
    refused?: (error: EtcdError) => void,
  ): Done<T> {
    return this.calls.begin(member, what, answered, refused);
  }

  private anyMember(): ServerMember | undefined {
    const members = this.cluster.callable;
    return members[this.random.below(Math.max(1, members.length))];
  }

  private oneOf<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)] as T;
  }
}

const everything = RangeRequest.create({ key: new Uint8Array([0]), rangeEnd: new Uint8Array([0]) });

function shown({ value }: Write): string {
  return value === undefined ? '' : `${value.slice(0, 12)}`;
}

function foundIn({ kvs }: RangeResponse): Read['found'] {
  const [encoded] = kvs;
  if (encoded === undefined) return undefined;
  const kv = KeyValue.decode(encoded);
  return { value: textOf(kv.value), modRevision: kv.modRevision };
}
