import { setTimeout as sleep } from 'node:timers/promises';
import { mustSucceed, type Answer } from './client.ts';
import type { Cluster } from './harness.ts';
import type { Member } from './member.ts';
import type { WireObject } from './protocol.ts';

const catchUpMs = 15_000;
const codeOutOfRange = 11;

export interface MemberHash {
  readonly member: string;
  readonly hash: unknown;
  readonly compactRevision: unknown;
}

/** HashKV of every member at the cluster's newest revision, which followers may reach a little later. */
export async function hashesOf(cluster: Cluster): Promise<readonly MemberHash[]> {
  const leader = await cluster.leader();
  const newest = mustSucceed(
    await cluster.client(leader).call('KV.Range', { key: Buffer.from('x') }),
  );
  const revision = (newest['header'] as WireObject)['revision'];
  return Promise.all(cluster.members.map((member) => hashAt(cluster, member, revision)));
}

async function hashAt(cluster: Cluster, member: Member, revision: unknown): Promise<MemberHash> {
  const deadline = performance.now() + catchUpMs;
  let answer: Answer;
  for (;;) {
    answer = await cluster.client(member).call('Maintenance.HashKV', { revision });
    const isBehind = !answer.ok && answer.code === codeOutOfRange;
    if (!isBehind || performance.now() > deadline) break;
    await sleep(50);
  }
  const message = mustSucceed(answer);
  return {
    member: member.name,
    hash: message['hash'],
    compactRevision: message['compact_revision'],
  };
}
