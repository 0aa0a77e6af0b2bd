import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepFailure } from './failures.ts';
import { createInvariants } from './invariants/index.ts';
import { ProbeCounts } from './probes.ts';
import { runSchedule, runSeed, type RunOptions } from './runner.ts';
import { scheduleOf, type SimSchedule } from './schedule.ts';
import { Violation, type Invariant } from './types.ts';

/** Seeds with a short life, so that all of them together take seconds. */
const seeds = [3, 22];

function judged(): RunOptions {
  return { createInvariants, probes: new ProbeCounts() };
}

describe('the simulator', function () {
  this.timeout(120_000);

  for (const seed of seeds) {
    it(`finds nothing wrong in a bad world (seed ${seed})`, async () => {
      const { failure } = await runSeed(seed, judged());
      assert.equal(failure?.stack, undefined);
    });
  }

  it('does the same when it runs a seed again, looked at or not', async () => {
    const first = await runSeed(3);
    const second = await runSeed(3, judged());
    assert.equal(second.traceHash, first.traceHash);
    assert.equal(second.events, first.events);
    assert.notEqual((await runSeed(4)).traceHash, first.traceHash);
  });

  it('draws each kind of step from randomness of its own', () => {
    const schedule = scheduleOf(3);
    const kinds = new Set(schedule.steps.map((step) => step.do));
    assert.ok(kinds.size > 3);
    const times = schedule.steps.map(({ atMs }) => atMs);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.deepEqual(JSON.parse(JSON.stringify(schedule)), schedule);
  });

  it('tells a failure, finds the step that it takes, and fails again with that alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sim-'));
    const lines: string[] = [];
    try {
      const schedule = shortened(scheduleOf(3));
      const run: RunOptions = { createInvariants: () => [noPowerLoss] };
      const result = await runSchedule(schedule, run);
      assert.match(result.failure?.message ?? '', /^P0 no power loss: m\d has lost power/);
      const print = (line: string): void => void lines.push(line);
      const options = { run, shrinkMs: 60_000, outDir: folder, print };
      const kept = await keepFailure({ schedule, result }, options);
      assert.deepEqual(
        kept.schedule.steps.map((step) => step.do),
        ['crash'],
      );
      const stored: unknown = JSON.parse(readFileSync(join(kept.folder, 'schedule.json'), 'utf8'));
      const again = await runSchedule(stored as SimSchedule, run);
      assert.match(again.failure?.message ?? '', /^P0 no power loss/);
      assert.ok(lines.some((line) => line.startsWith('again: npm run sim -- --seed 3')));
      assert.match(again.failure?.trace.at(-1) ?? '', /m\d +ends: no power/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** What every crash breaks. */
const noPowerLoss: Invariant = {
  name: 'P0 no power loss',
  after: (event) => {
    if (event.kind === 'end' && event.isPowerLoss) {
      throw new Violation('P0 no power loss', `${event.name} has lost power`);
    }
  },
};

/** Some steps of clients, and one crash among them. */
function shortened({ settings, steps }: SimSchedule): SimSchedule {
  const clients = steps.filter((step) => step.do === 'client').slice(0, 20);
  const crash = {
    atMs: clients[10]?.atMs ?? 2000,
    do: 'crash',
    who: 1,
    downMs: 500,
    keepsPerMille: 500,
    seed: 1,
  } as const;
  const all = [...clients, crash].sort((a, b) => a.atMs - b.atMs);
  return { settings: { ...settings, durationMs: 6000 }, steps: all };
}
