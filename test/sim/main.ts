import { readFileSync } from 'node:fs';
import { parseSimArguments, usage, type SimArguments } from './arguments.ts';
import { keepFailure } from './failures.ts';
import { createInvariants } from './invariants/index.ts';
import { ProbeCounts } from './probes.ts';
import { runSchedule, type SimResult } from './runner.ts';
import { scheduleOf, type SimSchedule } from './schedule.ts';
import { hasToldUsage } from '../usage.ts';

/** `npm run sim`: runs seeds, one after the other, and says what became of them. */

class Session {
  private readonly options: SimArguments;
  private readonly probes = new ProbeCounts();
  private readonly startedMs = Date.now();
  private readonly startedCpu = process.cpuUsage();
  private passed = 0;
  private failed = 0;
  private events = 0;
  private virtualMs = 0;

  constructor(options: SimArguments) {
    this.options = options;
  }

  async run(): Promise<boolean> {
    const { schedule, seed } = this.options;
    if (schedule !== undefined) {
      await this.runOne(JSON.parse(readFileSync(schedule, 'utf8')) as SimSchedule);
    } else {
      for (let i = 0; this.goesOn(i); i++) await this.runOne(scheduleOf(seed + i));
    }
    this.sumUp();
    return this.failed === 0 && !(this.options.requiresProbes && this.isSilent);
  }

  private get isSilent(): boolean {
    return this.probes.silent.length > 0;
  }

  private goesOn(done: number): boolean {
    const { seeds, seconds, failures } = this.options;
    if (this.failed >= failures) return false;
    if (seeds !== undefined && done >= seeds) return false;
    return seconds === undefined || Date.now() - this.startedMs < seconds * 1000;
  }

  private async runOne(schedule: SimSchedule): Promise<void> {
    const { isTraced, shrinkSeconds, outDir } = this.options;
    const run = { createInvariants, probes: this.probes };
    const result = await runSchedule(schedule, { ...run, print: isTraced ? print : undefined });
    this.events += result.events;
    this.virtualMs += result.virtualMs;
    this.tell(result);
    if (result.failure === undefined) this.passed++;
    else {
      this.failed++;
      clearProgress();
      const shrinkMs = shrinkSeconds * 1000;
      await keepFailure({ schedule, result }, { run, shrinkMs, outDir, print });
    }
  }

  private tell({ seed, events, virtualMs, traceHash, summary, failure }: SimResult): void {
    const text = `seed ${seed}: ${failure === undefined ? 'passed' : 'FAILED'}, ${events} events, ${(virtualMs / 1000).toFixed(0)} s, trace ${traceHash}`;
    if (this.options.seeds === 1) print(`${text}\n${summary}`);
    else if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`);
    else if (failure !== undefined) print(text);
  }

  private sumUp(): void {
    clearProgress();
    const { user, system } = process.cpuUsage(this.startedCpu);
    const cpuSeconds = (user + system) / 1e6;
    const hours = this.virtualMs / 3_600_000;
    print(
      `${this.events} events in ${cpuSeconds.toFixed(1)} s of CPU time, ${Math.round(this.events / cpuSeconds)} a second; ${hours.toFixed(2)} virtual hours`,
    );
    const seen = [...this.probes.all].filter(([, count]) => count > 0);
    for (const [name, count] of seen) print(`${String(count).padStart(9)} ${name}`);
    const { silent } = this.probes;
    if (silent.length > 0) print(`never reached: ${silent.join('; ')}`);
    if (this.options.requiresProbes && this.isSilent)
      print('FAILED: --require-probes asks for every one of them');
    print(`${this.passed} passed, ${this.failed} failed`);
  }
}

function print(line: string): void {
  console.log(line);
}

function clearProgress(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
}

function parse(): SimArguments | undefined {
  try {
    return parseSimArguments(process.argv.slice(2), () => Math.floor(Math.random() * 2 ** 31));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return undefined;
  }
}

async function main(): Promise<number> {
  const options = parse();
  if (options === undefined) return 2;
  if (options.seeds !== 1) print(`seeds from ${options.seed} on`);
  return (await new Session(options).run()) ? 0 : 1;
}

if (!hasToldUsage(usage, process.argv.slice(2))) process.exitCode = await main();
