import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../../test/members/client.ts';
import type { WireObject } from '../../test/members/protocol.ts';
import type { TestCluster } from './cluster.ts';
import type { Slot } from './slot.ts';

/** Changes of the members, and how the harness learns what came of those that nobody answered. */

const changeDeadlineMs = 5_000;
/** A removed member ends by itself in this time, or is ended. */
const departureMs = 3_000;
const restoreTimeoutMs = 60_000;
const retryPauseMs = 300;

/** Text of the refusal; undefined: it is done. */
export type Refusal = string | undefined;

interface Listed {
  readonly id: string;
  readonly slot: Slot;
  readonly isLearner: boolean;
}

/** The members as a quorum knows them; undefined: nobody says. */
async function list(cluster: TestCluster): Promise<readonly Listed[] | undefined> {
  for (const asked of cluster.members) {
    if (!asked.isRunning || asked.isPaused) continue;
    const answer = await cluster.call(asked, 'Cluster.MemberList', { linearizable: true }, 2_000);
    if (!answer.ok) continue;
    const members = answer.message['members'] as readonly WireObject[];
    return members.flatMap((each) => {
      const urls = each['peerURLs'] as readonly string[];
      const slot = cluster.slots.find(({ advertisedPeerUrl }) => urls.includes(advertisedPeerUrl));
      return slot === undefined
        ? []
        : [{ id: String(each['ID']), slot, isLearner: each['isLearner'] === true }];
    });
  }
  return undefined;
}

/** What the list of members says; undefined: it is not in it, or nobody says. */
export async function idOfSlot(cluster: TestCluster, slot: Slot): Promise<string | undefined> {
  return (await list(cluster))?.find((each) => each.slot === slot)?.id;
}

/** Asks `via`, and finds out by the list what came of it when there was no answer. */
export async function removeMember(cluster: TestCluster, slot: Slot, via: Slot): Promise<Refusal> {
  const id = await idOfSlot(cluster, slot);
  if (id === undefined) return 'nobody tells its id';
  slot.expectEnd();
  const answer = await cluster.call(via, 'Cluster.MemberRemove', { ID: id }, changeDeadlineMs);
  const isIn = answer.ok ? false : await isListed(cluster, slot);
  if (isIn !== false) return answer.ok ? undefined : answer.text;
  slot.isMember = false;
  await Promise.race([slot.ended(), sleep(departureMs, undefined, { ref: false })]);
  await slot.kill();
  return undefined;
}

/** Undefined: nobody says. */
async function isListed(cluster: TestCluster, slot: Slot): Promise<boolean | undefined> {
  return (await list(cluster))?.some((each) => each.slot === slot);
}

/** A new member, without data, moves into the slot and is started. */
export async function addMember(
  cluster: TestCluster,
  slot: Slot,
  options: { readonly via: Slot; readonly isLearner: boolean },
): Promise<Refusal> {
  const request = { peerURLs: [slot.advertisedPeerUrl], isLearner: options.isLearner };
  const isIn = await isListed(cluster, slot);
  if (isIn === undefined) return 'nobody tells who the members are';
  if (!isIn) {
    const answer = await cluster.call(options.via, 'Cluster.MemberAdd', request, changeDeadlineMs);
    if (!answer.ok && (await isListed(cluster, slot)) !== true) return answer.text;
  }
  const members = await list(cluster);
  if (members === undefined) return 'nobody tells who the members are';
  const initialCluster = members
    .map((each) => `${each.slot.name}=${each.slot.advertisedPeerUrl}`)
    .join(',');
  slot.prepare(initialCluster, 'existing');
  cluster.launch(slot);
  slot.joined = slot.ready().catch(() => undefined);
  return undefined;
}

/** Makes a voter of the learner in that slot. */
export async function promoteMember(cluster: TestCluster, slot: Slot, via: Slot): Promise<Refusal> {
  const id = await idOfSlot(cluster, slot);
  if (id === undefined) return 'nobody tells its id';
  const answer: Answer = await cluster.call(
    via,
    'Cluster.MemberPromote',
    { ID: id },
    changeDeadlineMs,
  );
  return answer.ok ? undefined : answer.text;
}

/**
 * After the world has healed: those with whom the test began are voters, and nobody else is a member.
 * Answers what stood in the way when the cluster did not let itself be brought back in time.
 */
export async function restoreMembers(cluster: TestCluster): Promise<Refusal> {
  const deadlineMs = performance.now() + restoreTimeoutMs;
  for (;;) {
    const refusal = await restoreOnce(cluster);
    // Who has ended by itself is not started again, and without a majority nothing changes any more.
    const { members } = cluster;
    const isHopeless = members.filter(({ isRunning }) => isRunning).length * 2 <= members.length;
    if (refusal === undefined || isHopeless || performance.now() > deadlineMs) {
      // To join is more than to heal, and takes etcd some seconds.
      await Promise.all(cluster.members.map(({ joined }) => joined));
      return refusal;
    }
    await sleep(retryPauseMs);
  }
}

async function restoreOnce(cluster: TestCluster): Promise<Refusal> {
  const first = cluster.slots.slice(0, cluster.size);
  const via = (await cluster.leader()) ?? cluster.members.find((slot) => slot.isRunning);
  if (via === undefined) return 'nobody runs';
  for (const slot of cluster.slots) {
    const belongs = first.includes(slot);
    if (belongs === slot.isMember) continue;
    const refusal = belongs
      ? await addMember(cluster, slot, { via, isLearner: false })
      : await removeMember(cluster, slot, via);
    if (refusal !== undefined) return `${slot.name}: ${refusal}`;
  }
  const members = await list(cluster);
  if (members === undefined) return 'nobody tells who the members are';
  for (const { slot, isLearner } of members) {
    const refusal = isLearner ? await promoteMember(cluster, slot, via) : undefined;
    if (refusal !== undefined) return `${slot.name}: ${refusal}`;
  }
  return undefined;
}
