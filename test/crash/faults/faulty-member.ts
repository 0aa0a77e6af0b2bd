import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../src/base/random.ts';
import type { Member } from '../../members/member.ts';
import { losePower, mendTrace } from '../power-loss.ts';
import type { FaultPlan, FaultRule } from './plan.ts';

/** Where the shim of one member reads its rules and writes its trace. */
export interface FaultyPlace {
  readonly dataDir: string;
  readonly trace: string;
  readonly faults: string;
}

/** A member whose disk fails as it is told. */
export class FaultyMember {
  readonly process: Member;
  private readonly place: FaultyPlace;

  constructor(process: Member, place: FaultyPlace) {
    this.process = process;
    this.place = place;
    writeFileSync(place.trace, '');
    this.heal();
  }

  get name(): string {
    return this.process.name;
  }

  harm({ rules }: FaultPlan): void {
    const { faults } = this.place;
    if (existsSync(`${faults}.met`)) truncateSync(`${faults}.met`, 0);
    writeFileSync(faults, rules.map(({ text }) => `${text}\n`).join(''));
  }

  heal(): void {
    writeFileSync(this.place.faults, '');
  }

  /** The rules of the plan that have done something. */
  met({ rules }: FaultPlan): readonly FaultRule[] {
    const name = `${this.place.faults}.met`;
    const decided = existsSync(name) ? readFileSync(name, 'latin1') : '';
    return rules.filter((_, i) => decided.includes(String.fromCharCode(48 + i)));
  }

  /** Whether it serves; false when it has ended before. */
  async isReady(): Promise<boolean> {
    try {
      await this.process.ready();
      return true;
    } catch (error) {
      if (this.process.isRunning) throw error;
      return false;
    }
  }

  async hasEndedWithin(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (this.process.isRunning && performance.now() < deadline) await sleep(20);
    return !this.process.isRunning;
  }

  /** What is left of its disk when it is killed now: all that it wrote, or what a power loss leaves. */
  async killed(random: Random | undefined): Promise<string> {
    await this.process.kill();
    const { dataDir, trace } = this.place;
    mendTrace(trace);
    if (random === undefined) return 'killed';
    return `power lost, ${losePower({ dataDir, trace, random }).description}`;
  }

  /** What is wrong with how it ended by itself, or undefined. */
  async problemOfEnd(): Promise<string | undefined> {
    const { code, signal } = await this.process.exited();
    const line = this.lastWords;
    if (code !== exitOfFailedDisk) {
      return `it ended with code ${code}, signal ${signal}: ${this.process.tail.slice(-1000)}`;
    }
    if (!namesPlace.test(line)) return `it does not say what failed, and where: ${line}`;
    if (!namesCause.test(line)) return `it does not say why: ${line}`;
    if (!namesRemedy.test(line)) return `it does not say what to do: ${line}`;
    return undefined;
  }

  /** The line with which it ended itself. */
  get lastWords(): string {
    const lines = this.process.tail.split('\n');
    return lines.findLast((line) => line.includes('"level":"fatal"')) ?? lines.slice(-5).join('\n');
  }
}

const exitOfFailedDisk = 1;
const namesPlace = /\b(log|store|witness|identity|current|reserve|data dir|creating)\b/i;
const namesCause =
  /EIO|ENOSPC|EMFILE|i\/o error|input\/output error|no space left|too many open files|bytes left/i;
const namesRemedy = /start the member again|remove the data dir .*\brejoin|free some space/i;
