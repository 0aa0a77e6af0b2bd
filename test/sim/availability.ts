import assert from 'node:assert/strict';
import type { ServerMember } from '../../src/server/member.ts';
import type { Trial } from './settings.ts';
import type { SimWorld } from './world.ts';

/** Trouble of the leader alone, in a world that is whole otherwise: the others must go on within a bound. */

const electionTimeoutMs = 1000;
/** Clocks of members run at least at half the speed of the world's. */
const slowest = 2;
/** Three times what a leader takes for a slow disk: five election timeouts (embed/settings.ts). */
const hangMs = 15_000;
/** A majority that hears one another must have committed something within this. */
export const progressMs = 20 * electionTimeoutMs * slowest;
/** How far terms may rise meanwhile: elections may be split a few times. */
export const termsMax = 20;

export function tryLeader(world: SimWorld, trial: Trial): void {
  const { cluster, links, disks } = world;
  const { leader } = cluster;
  if (trial === 'none' || leader === undefined || !hasQuorumWithout(world, leader)) return;
  const name = cluster.nameOf(leader);
  const { id } = leader;
  const others = cluster.members.filter((member) => member !== leader);
  const termBefore = highestTerm(others);
  world.judge.note(name, describeTrial(trial));
  world.probes.sometimes(probeOf(trial));
  let end = (): void => disks.forget(name);
  if (trial === 'deaf') end = links.cut((_from, to) => to === id);
  else if (trial === 'mute') end = links.cut((from) => from === id);
  else disks.slow(name, 1, hangMs);
  mustProgress(world, `a commit while ${describeTrial(trial)}`);
  const rose = highestTerm(others) - termBefore;
  assert.ok(rose <= termsMax, `terms rose by ${rose} while ${describeTrial(trial)}`);
  end();
  // What its disk was asked for meanwhile is still on its way.
  if (trial === 'hangs') world.advance(hangMs);
  world.judge.note(name, 'the trouble of the leader ends');
}

/** Somebody who leads commits a write within the bound. */
export function mustProgress(world: SimWorld, what: string): void {
  const { cluster, clients, operators } = world;
  const deadlineMs = world.nowMs + progressMs;
  // A write may itself be what fills the store.
  cluster.until(what, () => operators.makeRoom() && clients.hasWritten(), progressMs);
  assert.ok(world.nowMs <= deadlineMs, `${what} took too long`);
}

export function highestTerm(members: readonly ServerMember[]): number {
  return Math.max(0, ...members.map(({ term }) => term));
}

/** Those that run and vote, but for the leader, are a majority of the voters. */
function hasQuorumWithout({ cluster }: SimWorld, leader: ServerMember): boolean {
  const voters = leader.record.filter(({ isLearner }) => !isLearner);
  const running = new Set(cluster.members.map(({ id }) => id));
  const left = voters.filter(({ id }) => running.has(id) && id !== leader.id);
  return left.length * 2 > voters.length;
}

function describeTrial(trial: Exclude<Trial, 'none'>): string {
  switch (trial) {
    case 'deaf':
      return 'the leader hears nobody, and is heard';
    case 'mute':
      return 'the leader hears all, and nobody hears it';
    case 'hangs':
      return 'the disk of the leader hangs';
  }
}

function probeOf(trial: Exclude<Trial, 'none'>): string {
  switch (trial) {
    case 'deaf':
      return 'deaf leader replaced';
    case 'mute':
      return 'mute leader replaced';
    case 'hangs':
      return 'leader with a hanging disk replaced';
  }
}
