import type { ExperimentName } from './experiment-names.ts';
import type { UnitName } from './units.ts';

/** One line of what the store must reach: a figure of an experiment, and the goal for it. */
export interface Row {
  readonly id: string;
  readonly work: string;
  readonly experiment: ExperimentName;
  /** The name of a figure which that experiment yields. */
  readonly figure: string;
  readonly unit: UnitName;
  readonly better: 'higher' | 'lower';
  /** None: shown beside the row before. */
  readonly goal?: Goal;
  /** The same by etcd's own `benchmark`, with `--benchmark-tool`. */
  readonly toolGoal?: number;
}

/** `ratio`: of quorate to etcd, in the same round. `own`: of quorate alone, in the unit of the row. */
export interface Goal {
  readonly of: 'ratio' | 'own';
  /** At least this where higher is better, at most this where lower is. */
  readonly value: number;
}

const ratio = (value: number): Goal => ({ of: 'ratio', value });
const own = (value: number): Goal => ({ of: 'own', value });

/** Operations of a second, the more the better: most rows are of this kind. */
function throughput(
  id: ExperimentName,
  work: string,
  goal: number,
  rest: Pick<Row, 'toolGoal'> = {},
): Row {
  const figure = 'perSecond';
  const unit = 'per second';
  const better = 'higher';
  return { id, work, experiment: id, figure, unit, better, goal: ratio(goal), ...rest };
}

/** A figure of which less is better. */
function cost(
  id: string,
  work: string,
  from: Pick<Row, 'experiment' | 'figure' | 'unit'>,
  goal?: Goal,
): Row {
  return { id, work, ...from, better: 'lower', ...(goal === undefined ? {} : { goal }) };
}

/** Three members unless said otherwise; 256-byte values. The order is that of the table in the README. */
export const rows: readonly Row[] = [
  throughput('put-1', 'Put, 1 connection', 1, { toolGoal: 1 }),
  cost(
    'put-1-p99',
    'Put, 1 connection: p99',
    { experiment: 'put-1', figure: 'p99Ms', unit: 'ms' },
    ratio(1),
  ),
  throughput('put-64', 'Put, 64 connections', 3, { toolGoal: 2 }),
  throughput('put-64x16', 'Put, 64 connections x 16 streams', 4, { toolGoal: 2 }),
  throughput('range-1', 'linearizable Range of one key, 1 connection', 1.2),
  throughput('range-64', 'linearizable Range of one key, 64 connections', 3.5, { toolGoal: 2 }),
  throughput('range-64-follower', 'the same at a follower', 3.5, { toolGoal: 2 }),
  throughput('range-64x16', 'linearizable Range of one key, 64 connections x 16 streams', 6, {
    toolGoal: 2,
  }),
  throughput('serializable-64', 'serializable Range of one key, 64 connections', 4, {
    toolGoal: 2,
  }),
  throughput('txn-update-64', 'compare-mod-revision-and-put transaction, 64 connections', 3, {
    toolGoal: 2,
  }),
  throughput('range-500', 'Range limit 500 over all keys, one member, 4 connections', 100),
  throughput('paging-500', 'paging by 500 at one revision, under writes, one member', 50),
  throughput('count-all', 'count of all keys, one member, 1 connection', 700),
  throughput('big-range', 'Range of 100,000 keys in one answer, one member', 2),
  cost(
    'big-range-put-p99',
    'p99 of a Put beside that Range, to its idle value',
    { experiment: 'big-range', figure: 'putP99ToIdle', unit: 'times' },
    own(2),
  ),
  throughput('watch-1000', 'watch: 1,000 watchers on one key, events delivered', 1.5, {
    toolGoal: 1.2,
  }),
  cost(
    'watch-1000-p99',
    'watch: 1,000 watchers on one key: p99 latency',
    { experiment: 'watch-1000', figure: 'p99Ms', unit: 'ms' },
    ratio(1),
  ),
  throughput('watch-idle', 'watch: 100,000 idle watchers, Put elsewhere', 3),
  cost(
    'watch-idle-memory',
    'watch: memory per idle watcher',
    { experiment: 'watch-idle', figure: 'bytesPerWatcher', unit: 'bytes' },
    ratio(1),
  ),
  throughput('lease-keep-alive-64', 'lease keep-alive, 64 connections', 3, { toolGoal: 2 }),
  cost(
    'memory',
    'memory (VmRSS) with all keys, one member, after a restart',
    { experiment: 'restart', figure: 'residentBytes', unit: 'bytes' },
    ratio(1),
  ),
  cost(
    'restart',
    'restart to the first answer with those',
    { experiment: 'restart', figure: 'firstAnswerMs', unit: 'ms' },
    ratio(1),
  ),
  cost(
    'cpu-put',
    'CPU time of all members per Put, 64 connections',
    { experiment: 'put-64', figure: 'cpuMicros', unit: 'us' },
    ratio(0.4),
  ),
  cost(
    'cpu-range',
    'CPU time of all members per linearizable Range, 64 connections',
    { experiment: 'range-64', figure: 'cpuMicros', unit: 'us' },
    ratio(0.35),
  ),
  cost(
    'failover',
    'leader killed under load: until writes resume',
    { experiment: 'failover', figure: 'writesResumeMs', unit: 'ms' },
    ratio(1),
  ),
  cost(
    'turn',
    'longest turn of the event loop in all of it, CPU time',
    { experiment: 'turns', figure: 'longestCpuMs', unit: 'ms' },
    own(20),
  ),
  cost('turn-wall', 'wall-clock p99.9 of those turns, beside it', {
    experiment: 'turns',
    figure: 'p999WallMs',
    unit: 'ms',
  }),
];

/** The rows in brackets: what etcd's own `benchmark` can measure, with the goals for it. */
export const toolRows: readonly Row[] = rows.flatMap((row) =>
  row.toolGoal === undefined ? [] : [{ ...row, goal: ratio(row.toolGoal) }],
);
