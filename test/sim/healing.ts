import assert from 'node:assert/strict';
import { inspect, isDeepStrictEqual } from 'node:util';
import { broken } from './promises.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { streamOf } from './streams.ts';
import { highestTerm, mustProgress, termsMax, tryLeader } from './availability.ts';
import type { SimWorld } from './world.ts';

/** The end of a run: a majority alone makes progress, then everything heals, and what was promised must be true. */

/** After the world has healed the members must serve and agree within this. */
const healingMs = 60_000;

/** Any of them; with the last leader at the end, where it may be left out. */
function majorityOf({ settings, cluster }: SimWorld, voters: readonly string[]): readonly string[] {
  const random = streamOf(settings.seed, 'majority');
  const drawn = voters.map((name) => ({ name, place: random.below(2 ** 31) }));
  const last = settings.avoidsLeader && cluster.leader && cluster.nameOf(cluster.leader);
  const placeOf = (each: (typeof drawn)[number]): number =>
    each.name === last ? Infinity : each.place;
  const names = drawn.toSorted((a, b) => placeOf(a) - placeOf(b)).map(({ name }) => name);
  return names.slice(0, Math.floor(settings.members / 2) + 1);
}

function mustMakeRoom({ cluster, operators }: SimWorld): void {
  cluster.until('room in the store', () => operators.makeRoom(), healingMs);
}

/** A write may itself be what fills the store: room is made once more, then. */
function mustWrite({ cluster, clients, operators }: SimWorld, what: string): void {
  cluster.until(what, () => operators.makeRoom() && clients.hasWritten(), healingMs);
}

/** Only a majority of the voters is healed; every other fault stays as it is. */
export async function healMajority(world: SimWorld): Promise<void> {
  const { cluster, links, machines, disks, settings, lost } = world;
  // Who votes is known without asking, and who has lost its data is none of the majority.
  if (settings.features.changes !== undefined) return;
  world.agenda.clear();
  machines.beforeSync.clear();
  endDamaged(world);
  const voters = cluster.names.filter((name) => !lost.has(name));
  const majority = majorityOf(world, voters);
  world.judge.note(undefined, `heals ${majority.join(' ')}`);
  for (const name of majority) {
    cluster.diskOf(name).freeBytes = Number.MAX_SAFE_INTEGER;
    machines.relieve(name);
    disks.forget(name);
    machines.hostOf(name)?.resume();
    await startFully(world, name);
  }
  const ids = new Set(majority.map((name) => world.idOf(name)));
  links.healBetween((id) => ids.has(id));
  // Without a vote before the vote, one that hears nobody and is heard raises terms for ever.
  links.cut((from, to) => ids.has(from) !== ids.has(to));
  const termBefore = highestTerm(cluster.members);
  mustMakeRoom(world);
  mustProgress(world, 'a commit by a majority');
  const rose = highestTerm(majority.flatMap((name) => cluster.running(name) ?? [])) - termBefore;
  assert.ok(rose <= termsMax, `terms rose by ${rose} while a majority was whole`);
  world.probes.sometimes('majority alone made progress');
  world.checkEnds();
}

export async function healAll(world: SimWorld): Promise<void> {
  const { cluster, links, disks, machines } = world;
  world.judge.note(undefined, 'everything heals');
  world.agenda.clear();
  machines.beforeSync.clear();
  endDamaged(world);
  links.heal();
  for (const name of cluster.names) {
    cluster.diskOf(name).freeBytes = Number.MAX_SAFE_INTEGER;
    machines.relieve(name);
    disks.forget(name);
  }
  machines.resumeAll();
  for (const name of cluster.names) await startFully(world, name);
  await world.members.joinAll();
  cluster.until('a leader', () => cluster.leader !== undefined, healingMs);
  mustWrite(world, 'a write');
  cluster.until('an answer to every change', () => world.members.calls.isIdle, healingMs);
  cluster.until('the end of joint configurations', () => !world.members.leaveJoint(), healingMs);
  await world.members.joinAll();
  cluster.until('the end of the removed', () => hasLeft(world), healingMs);
  cluster.until('the same leases everywhere', () => isSettled(world), healingMs);
  mustBeAlike(world, 'leases', leasesOf);
  mustBeAlike(world, 'keys of leases', attachmentsOf);
  tryLeader(world, world.settings.trial);
  cluster.until('all to have caught up', () => isSettled(world), healingMs);
  mustMakeRoom(world);
  world.leases.settle();
  world.watchers.resumeAll();
  mustWrite(world, 'a last write');
  world.watchers.settle();
  cluster.until('the same revision everywhere', () => isSettled(world), healingMs);
  cluster.until('an answer to every call', () => world.clients.isIdle, healingMs);
  cluster.until('an answer to every wide call', () => world.wide.isIdle, healingMs);
  cluster.until('an answer to every operator', () => world.operators.isIdle, healingMs);
}

/** All members that are left hold the same, and it is what clients were told. */
export function checkEnd(world: SimWorld): void {
  const { cluster, clients } = world;
  world.checkEnds();
  for (const member of cluster.members) clients.readEverything(member);
  mustBeAll(world);
  for (const member of cluster.members) world.operators.mustBeExplained(member);
  mustBeAlike(world, 'revisions', (member) => member.revision);
  mustHashAlike(world);
  mustBeAlike(world, 'members', (member) => member.record);
  mustBeAlike(world, 'alarms', (member) => member.alarms());
  mustBeAlike(world, 'leases', leasesOf);
  mustBeAlike(world, 'keys of leases', attachmentsOf);
  clients.history.check(world.watchers.history);
  world.watchers.check(clients.history.writes);
  if (world.watchers.hasFragments) world.probes.sometimes('events told in fragments');
  world.leases.check(world.watchers.history);
  world.checkEnds();
}

/** Nobody has gone missing: those who run are those of the record, save for who lost its data. */
function mustBeAll({ cluster, lost }: SimWorld): void {
  const record = cluster.leader?.record ?? [];
  const lostIds = new Set([...lost].map((name) => cluster.idOf(name)));
  const expected = record.flatMap(({ id }) => (lostIds.has(id) ? [] : [id])).toSorted();
  const running = cluster.members.map(({ id }) => id).toSorted();
  assert.deepEqual(running, expected, 'members are missing at the end, or too many');
  assert.ok(running.length * 2 > record.length, 'no majority is judged at the end');
}

/** A compaction by the clock may come between the answers of two members: they are asked again, then. */
function mustHashAlike(world: SimWorld): void {
  const { cluster } = world;
  const compactions = (): readonly number[] =>
    cluster.members.map((member) => member.status().compactRevision);
  for (let asked = 1; ; asked++) {
    const before = compactions();
    const hashes = new Map(cluster.members.map((member) => [member, hashOf(world, member)]));
    if (asked === hashesAskedMax || isDeepStrictEqual(before, compactions())) {
      mustBeAlike(world, 'hashes', (member) => hashes.get(member));
      return;
    }
    cluster.until('the same revision everywhere', () => isSettled(world), healingMs);
  }
}

/** The shortest interval of compactions is much longer than all answers take. */
const hashesAskedMax = 3;

function mustBeAlike<T>(
  { cluster }: SimWorld,
  what: string,
  of: (member: ServerMember) => T,
): void {
  const [first, ...others] = cluster.members;
  if (first === undefined) return;
  const right = of(first);
  for (const other of others) {
    const names: string = `${cluster.nameOf(other)} and ${cluster.nameOf(first)}`;
    const own = of(other);
    if (isDeepStrictEqual(own, right)) continue;
    const shown = [own, right].map((each) => inspect(each, { depth: 4, breakLength: 100 }));
    broken(`all members hold the same when the world has healed: the ${what}`, [
      `of ${names} they differ`,
      ...shown,
    ]);
  }
}

/** With what is left of them by the last checkpoint. */
function leasesOf(member: ServerMember): unknown {
  const { leases } = member['loops'].state;
  return [...leases.list()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function attachmentsOf(member: ServerMember): unknown {
  const { leases } = member['loops'].state;
  return [...leases.attachments()].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** What lost its data is taken out of service: its operators know. */
function endDamaged({ cluster, machines, lost }: SimWorld): void {
  for (const name of machines.damaged) {
    if (cluster.running(name) !== undefined) cluster.crash(name);
    lost.add(name);
  }
}

/** Also one whose last process still holds its data dir. */
async function startFully(world: SimWorld, name: string): Promise<void> {
  for (let tries = 0; tries < startsMax; tries++) {
    const isHeld = !(await world.start(name)) && world.agenda.nextMs < Infinity;
    world.agenda.clear();
    if (!isHeld) return;
    world.advance(1000);
  }
  assert.fail(`${name} cannot be started`);
}

const startsMax = 60;

function hasLeft(world: SimWorld): boolean {
  world.checkEnds();
  return world.members.isSettled();
}

function isSettled({ cluster }: SimWorld): boolean {
  const { members, leader } = cluster;
  const index = leader?.status().raftIndex;
  return members.every((member) => member.status().raftAppliedIndex === index);
}

function hashOf({ cluster }: SimWorld, member: ServerMember): unknown {
  const outcome = cluster.answer((done) => member.hashKv(0, done));
  assert.ok(outcome.ok);
  return outcome.value;
}
