import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../src/base/random.ts';
import type { EpisodeResult } from './fault-tally.ts';
import type { FaultyMember } from './faulty-member.ts';
import type { FaultyWorld } from './faulty-world.ts';
import { drawPlan } from './plan.ts';
import type { FaultPlan } from './plan.ts';

/**
 * Disks fail while members start, or while they are written to. Who met a failure that it cannot pass over ends itself
 * and says what failed, why and what to do; the rest go on; when the disks are well again all start, also after a power
 * loss, which takes what no sync had made durable, and hold all that was acknowledged.
 */

const settleMs = 15_000;
const endMs = 20_000;
const writesMin = 20;
const writesMax = 90;
const writingMs = 6_000;

export async function runEpisode(
  world: FaultyWorld,
  random: Random,
  number: number,
): Promise<EpisodeResult> {
  const episode = new Episode(world, random);
  let problem: string | undefined;
  try {
    await episode.run();
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  const { kind, ended, report } = episode;
  return { number, kind, ended, problem, report };
}

class Episode {
  readonly report: string[] = [];
  private readonly world: FaultyWorld;
  private readonly random: Random;
  private readonly plans: ReadonlyMap<FaultyMember, FaultPlan>;
  private readonly over = new Set<FaultyMember>();

  constructor(world: FaultyWorld, random: Random) {
    this.world = world;
    this.random = random;
    this.plans = new Map(drawVictims(world.members, random).map((one) => [one, drawPlan(random)]));
    for (const [{ name }, { rules, isForStart }] of this.plans) {
      const when = isForStart ? 'when it starts' : 'while it is written to';
      this.report.push(`the disk of ${name}, ${when}: ${rules.map(({ text }) => text).join('; ')}`);
    }
  }

  get kind(): string {
    const [plan, ...others] = this.plans.values();
    return others.length === 0 ? (plan?.kind ?? '') : `${others.length + 1} disks at once`;
  }

  get ended(): boolean {
    return this.over.size > 0;
  }

  async run(): Promise<void> {
    await this.start();
    await this.write();
    await this.judgeEnds();
    await this.judgeService();
    await this.recover();
  }

  private async start(): Promise<void> {
    for (const [member, plan] of this.plans) {
      if (!plan.isForStart) continue;
      await this.kill(member);
      member.harm(plan);
    }
    this.world.launchAll();
    const readies = this.world.members.map((member) => member.isReady().catch(() => false));
    await Promise.race([Promise.all(readies), sleep(settleMs, undefined, { ref: false })]);
  }

  private async write(): Promise<void> {
    const { random, world } = this;
    const isLarge = random.below(3) === 0;
    const count = writesMin + random.below(writesMax - writesMin);
    const writing = world.write({ count, isLarge, limitMs: writingMs });
    await sleep(random.below(300));
    for (const [member, plan] of this.plans) if (!plan.isForStart) member.harm(plan);
    if (random.below(2) === 0) await world.tidy();
    const acknowledged = await writing;
    // What happened before the disk failed, or after it was over, tells little.
    const more = await world.write({ count: writesMin, isLarge: false, limitMs: writingMs });
    const size = isLarge ? 'large' : 'small';
    this.report.push(`${acknowledged} ${size} writes and ${more} more were acknowledged`);
  }

  private async judgeEnds(): Promise<void> {
    for (const member of this.world.members) {
      const plan = this.plans.get(member);
      const met = plan === undefined ? [] : member.met(plan);
      const texts = met.map(({ text }) => text).join('; ');
      if (met.some(({ mustEnd }) => mustEnd) && !(await member.hasEndedWithin(endMs))) {
        throw new Error(`${member.name} goes on after a failure of ${texts}`);
      }
      if (member.process.isRunning) {
        if (met.length > 0) this.report.push(`${member.name} met ${texts}, and went on`);
        continue;
      }
      this.over.add(member);
      this.report.push(`${member.name} ended: ${member.lastWords}`);
      if (!met.some(({ isError }) => isError)) {
        throw new Error(`${member.name} ended, though no call failed: ${member.lastWords}`);
      }
      await mustEndWell(member);
    }
  }

  /** A majority of sound disks takes writes; one with too little room refuses them. */
  private async judgeService(): Promise<void> {
    const { members } = this.world;
    const sound = members.filter((member) => !this.plans.has(member));
    if (2 * sound.length > members.length) {
      await this.world.mustWrite(sound, 'a majority has sound disks, and takes no writes');
    }
    for (const [member, plan] of this.plans) {
      if (!plan.rules.some(({ isFull }) => isFull) || !member.process.isRunning) continue;
      await this.world.mustBeFull(member);
      this.report.push(`${member.name} refuses writes for want of room`);
    }
  }

  private async recover(): Promise<void> {
    const { world, random } = this;
    for (const member of world.members) member.heal();
    for (const member of world.members) {
      if (!member.process.isRunning || random.below(3) === 0) await this.kill(member);
    }
    const healed = world.running;
    for (const { process } of world.members) if (!process.isRunning) process.launch();
    for (const member of world.members) {
      if (await member.isReady()) continue;
      if (healed.includes(member)) await this.startAgain(member);
      else throw new Error(`${member.name} does not start on a sound disk: ${member.lastWords}`);
    }
    for (const member of world.members) {
      await world.mustWrite([member], `${member.name} takes no writes with a sound disk`);
      // What failed before may only be met now, as when LevelDB remembers a failure.
      if (!member.process.isRunning) await this.startAgain(member);
    }
    await world.check();
    const { acknowledgedCount, unknownCount } = world.history;
    this.report.push(
      `${acknowledgedCount} acknowledged, ${unknownCount} of unknown end: all there`,
    );
  }

  private async startAgain(member: FaultyMember): Promise<void> {
    this.report.push(`${member.name} ended later: ${member.lastWords}`);
    await mustEndWell(member);
    this.over.add(member);
    await this.kill(member);
    member.process.launch();
    if (!(await member.isReady())) {
      throw new Error(`${member.name} does not start on a sound disk: ${member.lastWords}`);
    }
  }

  private async kill(member: FaultyMember): Promise<void> {
    const isPower = this.random.below(2) === 0;
    const how = await member.killed(isPower ? this.random : undefined);
    this.report.push(`${member.name}: ${how}`);
  }
}

function drawVictims(members: readonly FaultyMember[], random: Random): readonly FaultyMember[] {
  const luck = random.below(10);
  const count = luck < 6 ? 1 : luck < 9 ? 2 : 3;
  const from = random.below(members.length);
  return [...members.slice(from), ...members.slice(0, from)].slice(0, count);
}

async function mustEndWell(member: FaultyMember): Promise<void> {
  const problem = await member.problemOfEnd();
  if (problem !== undefined) throw new Error(`${member.name}: ${problem}`);
}
