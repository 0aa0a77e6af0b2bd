import { equalBytes, prefixEnd, type Bytes } from '../base/bytes.ts';
import { Code, errors } from '../wire/errors.ts';
import { ResponseHeader } from '../wire/header.ts';
import { RangeResponse } from '../wire/kv.ts';
import { EventType, KeyValue } from '../wire/mvccpb.ts';
import {
  candidateRequest,
  namePrefix,
  ownerRequest,
  proclaimRequest,
  resignRequest,
  sessionKey,
  type Candidacy,
} from '../wire/session-key.ts';
import type { Client } from './client.ts';
import { ClientError } from './client-error.ts';
import { firstOf, ownRevision, rangeOf } from './mutex.ts';
import type { Session } from './session.ts';
import { untilStopped, waitForTurn, type Stop } from './turn.ts';
import type { Watch, Watcher } from './watcher.ts';

/**
 * Waits to be elected (client/v3/concurrency/election.go, Campaign).
 * @throws ClientError
 */
export async function campaign(
  session: Session,
  name: Bytes,
  value: Bytes,
  stop: Stop,
): Promise<Candidacy> {
  const { client, lease } = session;
  const prefix = namePrefix(name);
  const response = await client.txn(candidateRequest(prefix, lease, value));
  const candidacy = {
    key: sessionKey(prefix, lease),
    createRevision: ownRevision(response),
    lease,
  };
  try {
    const before = firstOf(rangeOf(response, 0));
    if (before !== undefined && !equalBytes(before.value, value)) {
      await proclaim(client, candidacy, value);
    }
    await waitForTurn(session, prefix, candidacy.createRevision, stop);
  } catch (error) {
    await resign(client, candidacy);
    throw error;
  }
  return candidacy;
}

/** @throws ClientError also when the candidacy is over */
export async function proclaim(client: Client, candidacy: Candidacy, value: Bytes): Promise<void> {
  const { succeeded } = await client.txn(proclaimRequest(candidacy, value));
  if (!succeeded) throw new ClientError(Code.Unknown, 'election: not leader');
}

/** @throws ClientError */
export async function resign(client: Client, candidacy: Candidacy): Promise<void> {
  await client.txn(resignRequest(candidacy));
}

/**
 * Every leader and every value that it proclaims, in order, each as the answer of a Range for it. Ends when it is
 * stopped, or the watch is lost. What comes after a leader is read as of the revision in which that leader went, so
 * that none is passed over who did not stay long.
 * @throws ClientError
 */
export async function* observe(
  client: Client,
  watcher: Watcher,
  name: Bytes,
  stop: Stop,
): AsyncGenerator<RangeResponse, void> {
  const prefix = namePrefix(name);
  let leader: FoundLeader | undefined = await readLeader(client, prefix, 0);
  while (!stop.aborted) {
    leader =
      leader.kv === undefined ? await firstPut(watcher, prefix, leader.header, stop) : leader;
    if (leader?.kv === undefined) return;
    yield answerOf(leader.header, leader.kv);
    const startRevision = leader.header.revision + 1;
    const watch = watcher.watch({ key: leader.kv.key, startRevision });
    const goneAt = yield* values(watch, stop);
    if (goneAt === undefined) return;
    leader = await readLeader(client, prefix, goneAt);
  }
}

interface FoundLeader {
  readonly header: ResponseHeader;
  readonly kv: KeyValue | undefined;
}

/** As of a revision, or of now if that is 0 or compacted. */
async function readLeader(client: Client, prefix: Bytes, revision: number): Promise<FoundLeader> {
  try {
    const response = await client.range(ownerRequest(prefix, revision));
    const header = ResponseHeader.create(response.header);
    return {
      header: revision === 0 ? header : { ...header, revision },
      kv: firstOf(response),
    };
  } catch (error) {
    const isGone = error instanceof ClientError && error.message === errors.compacted.text;
    if (!isGone || revision === 0) throw error;
    return readLeader(client, prefix, 0);
  }
}

/** Nobody leads: the first who puts a key does. Undefined when the watch is over before. */
async function firstPut(
  watcher: Watcher,
  prefix: Bytes,
  { revision }: ResponseHeader,
  stop: Stop,
): Promise<FoundLeader | undefined> {
  const range = { key: prefix, rangeEnd: prefixEnd(prefix), startRevision: revision };
  for await (const { response, error } of untilStopped(watcher.watch(range), stop)) {
    if (error !== undefined) return undefined;
    const put = response.events.find(({ type }) => type === EventType.PUT);
    if (put?.kv === undefined) continue;
    const header = ResponseHeader.create(response.header);
    return { header: { ...header, revision: put.kv.modRevision }, kv: put.kv };
  }
  return undefined;
}

/** What a leader proclaims; returns the revision in which its key is deleted. */
async function* values(
  watch: Watch,
  stop: Stop,
): AsyncGenerator<RangeResponse, number | undefined> {
  for await (const { response, error } of untilStopped(watch, stop)) {
    if (error !== undefined) return undefined;
    for (const { type, kv } of response.events) {
      if (type === EventType.DELETE) return kv?.modRevision;
      if (kv !== undefined) yield answerOf(ResponseHeader.create(response.header), kv);
    }
  }
  return undefined;
}

const answerOf = (header: ResponseHeader, kv: KeyValue): RangeResponse =>
  RangeResponse.create({ header, kvs: [KeyValue.encode(kv)] });
