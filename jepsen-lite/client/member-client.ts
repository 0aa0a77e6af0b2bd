import { RawClient } from '../../test/members/client.ts';
import type { WireObject } from '../../test/members/protocol.ts';
import type { RawStream } from '../../test/members/raw-stream.ts';
import type { Endpoint } from '../types.ts';
import { decodeAnswer, decodeKv, encodeRequest, revisionOf, textOf } from './codec.ts';
import { CallError } from './outcome.ts';
import { isMutation, type Answer, type Request } from './requests.ts';

/**
 * A client of one member: it stays with it, retries nothing, and shares no code with what it judges (gRPC by hand
 * over node:http2, messages by proto-loader). Every method throws CallError.
 */

const callDeadlineMs = 3_000;

/** What the winner of an election proves itself with. */
export interface LeaderKey {
  readonly name: string;
  readonly key: string;
  readonly rev: string;
  readonly lease: string;
}

/** `token` is the revision at which its key came to be. */
export type LeaderAnswer = {
  readonly token: number;
  readonly value: string;
  readonly lease: string;
};

export class MemberClient {
  readonly member: string;
  private readonly raw: RawClient;

  constructor({ member, url }: Endpoint) {
    this.member = member;
    this.raw = new RawClient(url.replace(/^\w+:\/\//, ''));
  }

  /** Calls under way end in doubt. */
  close(): void {
    this.raw.close();
  }

  async kv(request: Request): Promise<Answer> {
    const call = encodeRequest(request);
    const message = await this.call(call.method, call.request, isMutation(request));
    return decodeAnswer(request, call, message);
  }

  /** Answers the lease's id, which the server chose. */
  async grant(ttlSeconds: number): Promise<{ readonly id: string; readonly ttlSeconds: number }> {
    const answer = await this.call('Lease.LeaseGrant', { TTL: String(ttlSeconds) }, true);
    return { id: String(answer['ID'] ?? '0'), ttlSeconds: Number(answer['TTL'] ?? 0) };
  }

  /** One question on a stream of its own; answers the TTL, 0 where there is no such lease. */
  async keepAlive(id: string): Promise<{ readonly ttlSeconds: number }> {
    const answer = await this.raw.call('Lease.LeaseKeepAlive', { ID: id }, callOptions);
    if (!answer.ok) throw new CallError(answer, true);
    if (answer.messages !== 1) {
      throw new CallError({ code: 14, text: `${answer.messages} answers to a keep-alive` }, true);
    }
    return { ttlSeconds: Number(answer.message['TTL'] ?? 0) };
  }

  async revoke(id: string): Promise<{ readonly revision: number }> {
    return { revision: revisionOf(await this.call('Lease.LeaseRevoke', { ID: id }, true)) };
  }

  /** -1: there is no such lease. */
  async timeToLive(
    id: string,
  ): Promise<{ readonly ttlSeconds: number; readonly grantedSeconds: number }> {
    const answer = await this.call('Lease.LeaseTimeToLive', { ID: id }, false);
    return {
      ttlSeconds: Number(answer['TTL'] ?? 0),
      grantedSeconds: Number(answer['grantedTTL'] ?? 0),
    };
  }

  async compact(revision: number): Promise<{ readonly revision: number }> {
    const request = { revision: String(revision), physical: false };
    return { revision: revisionOf(await this.call('KV.Compact', request, true)) };
  }

  /** Answered when the lock is held, or refused. */
  async lock(name: string, lease: string, deadlineMs: number): Promise<{ readonly key: string }> {
    const request = { name: Buffer.from(name), lease };
    const answer = await this.call('Lock.Lock', request, true, deadlineMs);
    return { key: textOf(answer['key']) };
  }

  async unlock(key: string): Promise<{ readonly revision: number }> {
    return {
      revision: revisionOf(await this.call('Lock.Unlock', { key: Buffer.from(key) }, true)),
    };
  }

  /** Answered when the election is won; `token` is the revision of the key that won it. */
  async campaign(
    {
      name,
      lease,
      value,
    }: { readonly name: string; readonly lease: string; readonly value: string },
    deadlineMs: number,
  ): Promise<{ readonly key: string; readonly token: number }> {
    const request = { name: Buffer.from(name), lease, value: Buffer.from(value) };
    const answer = await this.call('Election.Campaign', request, true, deadlineMs);
    const leader = (answer['leader'] ?? {}) as WireObject;
    return { key: textOf(leader['key']), token: Number(leader['rev'] ?? 0) };
  }

  async proclaim(leader: LeaderKey, value: string): Promise<{ readonly revision: number }> {
    const request = { leader: encodeLeader(leader), value: Buffer.from(value) };
    return { revision: revisionOf(await this.call('Election.Proclaim', request, true)) };
  }

  async resign(leader: LeaderKey): Promise<{ readonly revision: number }> {
    const request = { leader: encodeLeader(leader) };
    return { revision: revisionOf(await this.call('Election.Resign', request, true)) };
  }

  /** Who leads. Fails where nobody does. */
  async leader(name: string): Promise<LeaderAnswer> {
    const answer = await this.call('Election.Leader', { name: Buffer.from(name) }, false);
    const { create, value, lease = '0' } = decodeKv((answer['kv'] ?? {}) as WireObject);
    return { token: create, value, lease };
  }

  /** Opens a stream for watches. */
  watchStream(): RawStream {
    return this.raw.open('Watch.Watch');
  }

  private async call(
    method: string,
    request: WireObject,
    isWrite: boolean,
    deadlineMs = callDeadlineMs,
  ): Promise<WireObject> {
    const answer = await this.raw.call(method, request, { deadlineMs });
    if (!answer.ok) throw new CallError(answer, isWrite);
    return answer.message;
  }
}

const callOptions = { deadlineMs: callDeadlineMs };

function encodeLeader({ name, key, rev, lease }: LeaderKey): WireObject {
  return { name: Buffer.from(name), key: Buffer.from(key), rev, lease };
}
