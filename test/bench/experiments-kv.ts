import type { Experiment, Outcome } from './experiment.ts';
import type { ExperimentName } from './experiment-names.ts';
import type { LoadOptions } from './load.ts';
import type { Measured } from './target.ts';

/** One key a request: writes, reads and updates at the leader of the cluster, or at a follower. */

interface Shape {
  readonly name: ExperimentName;
  readonly how: string;
  readonly load: Omit<LoadOptions, 'endpoints' | 'warmupMs' | 'durationMs'>;
  readonly at?: 'leader' | 'follower';
}

const shapes: readonly Shape[] = [
  {
    name: 'put-1',
    how: 'keys at random among all, one request at a time, at the leader',
    load: { work: 'put', connections: 1 },
  },
  {
    name: 'put-64',
    how: 'keys at random among all, one request at a time on each connection, at the leader',
    load: { work: 'put', connections: 64 },
  },
  {
    name: 'put-64x16',
    how: 'the same with 16 requests at a time on each connection',
    load: { work: 'put', connections: 64, streams: 16 },
  },
  {
    name: 'range-1',
    how: 'keys at random among all, one request at a time, at the leader',
    load: { work: 'range', connections: 1 },
  },
  {
    name: 'range-64',
    how: 'the same on 64 connections',
    load: { work: 'range', connections: 64 },
  },
  {
    name: 'range-64-follower',
    how: 'the same at a member that follows',
    load: { work: 'range', connections: 64 },
    at: 'follower',
  },
  {
    name: 'range-64x16',
    how: 'at the leader with 16 requests at a time on each connection',
    load: { work: 'range', connections: 64, streams: 16 },
  },
  {
    name: 'serializable-64',
    how: 'as range-64, but any state that the member has will do',
    load: { work: 'range-serializable', connections: 64 },
  },
  {
    name: 'txn-update-64',
    how: 'put if the mod revision is that of the last answer, else read it, at the leader',
    load: { work: 'txn-update', connections: 64 },
  },
  {
    name: 'lease-keep-alive-64',
    how: 'one stream and one lease on each connection, at the leader',
    load: { work: 'lease-keepalive', connections: 64 },
  },
];

export const keyExperiments: readonly Experiment[] = shapes.map(({ name, how, load, at }) => ({
  name,
  how,
  group: 'replicated',
  runs: 1,
  besidesMs: () => 0,
  measure: async (target, { warmupMs, durationMs }) => {
    const member = at === 'follower' ? await target.follower() : await target.leader();
    const endpoints = [member.target];
    return outcomeOf(await target.load({ ...load, endpoints, warmupMs, durationMs }));
  },
}));

/** The figures of every load. */
export function outcomeOf(measured: Measured): Outcome {
  const { result, cpuMicrosPerOperation } = measured;
  const figures = {
    perSecond: result.perSecond,
    p50Ms: result.latencyMs.p50,
    p99Ms: result.latencyMs.p99,
    p999Ms: result.latencyMs.p999,
    cpuMicros: cpuMicrosPerOperation,
    generatorCpuMicros: result.cpuMicrosPerOperation,
  };
  return { figures, notes: notesOf(measured) };
}

export function notesOf({ result }: Measured): readonly string[] {
  const { errors, firstErrors, eventsMissing = 0 } = result;
  return [
    ...(errors > 0 ? [`${errors} errors, first ${firstErrors[0] ?? 'unknown'}`] : []),
    ...(eventsMissing > 0 ? [`${eventsMissing} events never came`] : []),
  ];
}
