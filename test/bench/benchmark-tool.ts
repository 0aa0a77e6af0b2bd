import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../members/programs.ts';
import type { Experiment, Pace } from './experiment.ts';
import type { ExperimentName } from './experiment-names.ts';
import type { Target } from './target.ts';

/**
 * The same works by etcd's own load generator, `go.etcd.io/etcd/v3/tools/benchmark`, which is built on clientv3 and
 * takes most of the machine for itself: that is what its users see too.
 */

const folder = join(repositoryRoot, 'test/bench/tool');
const program = join(repositoryRoot, 'test/bench/bin/benchmark');
const tool = 'go.etcd.io/etcd/v3/tools/benchmark';
const run = promisify(execFile);
const outputBytesMax = 64 * 1_024 * 1_024;

/** @throws with what to do where there is no Go toolchain. */
export async function ensureBenchmarkTool(): Promise<void> {
  const pinnedMs = statSync(join(folder, 'go.mod')).mtimeMs;
  if (existsSync(program) && statSync(program).mtimeMs > pinnedMs) return;
  await run('go', ['version']).catch((error: unknown) => {
    throw new Error(`${tool} is built with Go 1.26 or newer: https://go.dev/dl`, { cause: error });
  });
  console.log(`building ${tool} (over a minute when nothing is cached)`);
  await run('go', ['build', '-o', program, tool], { cwd: folder });
}

interface Shape {
  readonly name: ExperimentName;
  readonly clients: number;
  readonly connections: number;
  readonly at?: 'follower';
  /** The tool takes a number of requests, not a time: about as many as etcd answers in a second. */
  readonly aSecond: number;
  /** The subcommand and its flags; `total` requests. */
  readonly arguments: (target: Target, total: number) => readonly string[];
}

const put = ({ settings: { keys, valueBytes } }: Target, total: number): readonly string[] => [
  'put',
  `--total=${total}`,
  `--val-size=${valueBytes}`,
  `--key-space-size=${Math.max(keys, 1)}`,
];

/** One key of those that the cluster was filled with. */
const range =
  (consistency: 'l' | 's') =>
  (_: Target, total: number): readonly string[] => [
    'range',
    'k/000000001',
    `--consistency=${consistency}`,
    `--total=${total}`,
  ];

/** It has no compare; a transaction of one Put is nearest. */
const txn = (target: Target, total: number): readonly string[] => [
  'txn-put',
  ...put(target, total).slice(1),
];

const watchersPerKey = 1_000;
const watchStreams = 10;

const shapes: readonly Shape[] = [
  { name: 'put-1', clients: 1, connections: 1, aSecond: 800, arguments: put },
  { name: 'put-64', clients: 64, connections: 64, aSecond: 6_000, arguments: put },
  { name: 'put-64x16', clients: 1_024, connections: 64, aSecond: 10_000, arguments: put },
  { name: 'range-64', clients: 64, connections: 64, aSecond: 12_000, arguments: range('l') },
  {
    name: 'range-64-follower',
    clients: 64,
    connections: 64,
    at: 'follower',
    aSecond: 12_000,
    arguments: range('l'),
  },
  { name: 'range-64x16', clients: 1_024, connections: 64, aSecond: 16_000, arguments: range('l') },
  { name: 'serializable-64', clients: 64, connections: 64, aSecond: 16_000, arguments: range('s') },
  { name: 'txn-update-64', clients: 64, connections: 64, aSecond: 6_000, arguments: txn },
  {
    name: 'watch-1000',
    clients: watchStreams,
    connections: watchStreams,
    aSecond: 200_000,
    arguments: (_, total) => [
      'watch',
      `--streams=${watchStreams}`,
      `--watch-per-stream=${watchersPerKey / watchStreams}`,
      `--put-total=${Math.ceil(total / watchersPerKey)}`,
    ],
  },
  {
    name: 'lease-keep-alive-64',
    clients: 64,
    connections: 64,
    aSecond: 15_000,
    arguments: (_, total) => ['lease-keepalive', `--total=${total}`],
  },
];

export const toolExperiments: readonly Experiment[] = shapes.map((shape) => ({
  name: shape.name,
  group: 'replicated',
  how: `benchmark, ${shape.clients} clients on ${shape.connections} connections`,
  runs: 1,
  besidesMs: () => 1_000,
  measure: async (target, pace) => {
    const { output, operations, cpuMs } = await runTool(shape, target, pace);
    const { perSecond, p99Ms, errors } = parseBenchmark(output);
    const cpuMicros = (cpuMs * 1_000) / operations;
    const notes = errors === 0 ? [] : [`${errors} errors`];
    return { figures: { perSecond, p99Ms, cpuMicros }, notes };
  },
}));

async function runTool(
  shape: Shape,
  target: Target,
  { durationMs }: Pace,
): Promise<{ readonly output: string; readonly operations: number; readonly cpuMs: number }> {
  const member = shape.at === 'follower' ? await target.follower() : await target.leader();
  const operations = Math.ceil((shape.aSecond * durationMs) / 1_000);
  const args = [
    ...shape.arguments(target, operations),
    `--endpoints=${member.target}`,
    `--clients=${shape.clients}`,
    `--conns=${shape.connections}`,
  ];
  const beforeMs = target.cpuMs();
  const { stdout } = await run(program, args, { maxBuffer: outputBytesMax });
  return { output: stdout, operations, cpuMs: target.cpuMs() - beforeMs };
}

export interface BenchmarkSummary {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly errors: number;
}

/** Of its last summary: that of `watch` comes after the one of creating the watchers. @throws without one. */
export function parseBenchmark(output: string): BenchmarkSummary {
  const last = output.slice(Math.max(output.lastIndexOf('Summary:'), 0));
  const perSecond = /Requests\/sec:\s*([\d.]+)/.exec(last)?.[1];
  if (perSecond === undefined) throw new Error(`benchmark told no summary:\n${output.slice(-500)}`);
  const p99Seconds = /^\s*99% in ([\d.]+) secs/m.exec(last)?.[1];
  const failed = last.split('Error distribution:')[1] ?? '';
  const counts = [...failed.matchAll(/^\s*\[(\d+)\]/gm)].map((match) => Number(match[1]));
  const errors = counts.reduce((sum, count) => sum + count, 0);
  return { perSecond: Number(perSecond), p99Ms: Number(p99Seconds ?? NaN) * 1_000, errors };
}
