import { setTimeout as sleep } from 'node:timers/promises';
import type { Member } from '../members/member.ts';
import type { Experiment } from './experiment.ts';
import { startLoad } from './load.ts';
import { usageOf } from './proc.ts';
import { spreadOf } from './statistics.ts';
import type { Target } from './target.ts';

/** Members that end and come back: one with all its keys, and a leader under load. */

const askPauseMs = 5;
const askDeadlineMs = 1_000;
const firstAnswerTimeoutMs = 120_000;
/** When the memory is read after the first answer. */
const memoryAfterMs = 5_000;

/** From the start of the load to the kill, and from there to its end. */
const beforeKillMs = 1_500;
const afterKillMs = 6_000;
const writeTimeoutMs = 500;
const betweenKillsMs = 3_000;

export const restartExperiments: readonly Experiment[] = [
  {
    name: 'failover',
    group: 'replicated',
    how: 'kill -9 of the leader, again and again; the longest time between two Puts that succeed',
    runs: 0,
    besidesMs: ({ kills }) => kills * (beforeKillMs + afterKillMs + betweenKillsMs + 1_000),
    measure: async (target, { kills }) => {
      const gapsMs: number[] = [];
      let unknownWrites = 0;
      for (let kill = 0; kill < kills; kill++) {
        const outage = await killLeader(target);
        gapsMs.push(outage.gapMs);
        unknownWrites += outage.unknownWrites;
      }
      const spread = spreadOf(gapsMs);
      const writesResumeMs = spread?.median ?? Number.NaN;
      const figures = { writesResumeMs, worstMs: spread?.max ?? Number.NaN, unknownWrites };
      return { figures, notes: [] };
    },
  },
  {
    name: 'restart',
    group: 'single',
    how: 'SIGTERM, then from the start of the process to the answer to a linearizable Range',
    runs: 0,
    besidesMs: () => 10_000,
    measure: async (target) => {
      const [member] = target.cluster.members;
      if (member === undefined) throw new Error('a cluster without members');
      await target.keepTurns();
      await target.cluster.stopAll();
      const startedAtMs = performance.now();
      member.launch();
      await firstAnswer(target, member);
      const firstAnswerMs = performance.now() - startedAtMs;
      await sleep(memoryAfterMs);
      await target.forgetTurnsOf(member);
      const { residentBytes, anonymousBytes, fileBytes } = usageOf(member.pid ?? 0);
      return {
        figures: { firstAnswerMs, residentBytes, anonymousBytes, fileBytes },
        notes: [],
      };
    },
  },
];

/** Asks until there is an answer. */
async function firstAnswer(target: Target, member: Member): Promise<void> {
  const deadline = performance.now() + firstAnswerTimeoutMs;
  const client = target.cluster.client(member);
  const request = { key: Buffer.from('k') };
  for (;;) {
    const answer = await client.call('KV.Range', request, { deadlineMs: askDeadlineMs });
    if (answer.ok) return;
    if (!member.isRunning) throw new Error(`${member.name} ended:\n${member.tail}`);
    if (performance.now() > deadline) throw new Error(`${member.name} answers nothing`);
    await sleep(askPauseMs);
  }
}

async function killLeader(
  target: Target,
): Promise<{ readonly gapMs: number; readonly unknownWrites: number }> {
  const run = startLoad({
    work: 'outage',
    endpoints: target.cluster.members.map((member) => member.target),
    ...target.keyOptions(),
    writeTimeoutMs,
    warmupMs: 0,
    durationMs: beforeKillMs + afterKillMs,
  });
  await Promise.race([run.ready, run.result]);
  await sleep(beforeKillMs);
  const leader = await target.leader();
  await leader.kill();
  const { longestGapMs = Number.NaN, unknownWrites = 0 } = await run.result;
  await leader.start();
  await sleep(betweenKillsMs);
  await target.forgetTurnsOf(leader);
  return { gapMs: longestGapMs, unknownWrites };
}
