import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { growthPicture, type Curve } from './growth-picture.ts';
import { startLoad, type LoadOptions } from './load.ts';
import type { BenchOptions } from './options.ts';
import { formatDuration, Progress } from './progress.ts';
import { circumstancesOf, fileNameOf, markdownOf, saveReport } from './report.ts';
import { formatTable } from './table.ts';
import { Target, type SystemName } from './target.ts';
import { formatFigure, formatNumber } from './units.ts';

/**
 * How the cost of a Put grows: CPU time of all members, which other work on the machine moves least, with the keys,
 * the revisions, the watchers, the size of the values and the members. `npm run bench -- --growth`.
 */

/** What grows, and the cells along it, each on a cluster of its own. */
interface Dimension {
  readonly name: string;
  readonly title: string;
  readonly steps: readonly Step[];
}

interface Step {
  /** The place on the axis. */
  readonly at: number;
  readonly label: string;
  readonly members: number;
  readonly keys: number;
  readonly valueBytes: number;
  /** Puts over the same keys before the measurement. */
  readonly revisions?: number;
  readonly watchers?: number;
}

const usual = { members: 3, keys: 10_000, valueBytes: 256 };
const count = (value: number): string => value.toLocaleString('en-US');

/** `scale` takes off the largest steps: keys and watchers as many as the run allows. */
export function dimensionsOf(keysMax: number): readonly Dimension[] {
  const upTo = (values: readonly number[], most: number): readonly number[] =>
    values.filter((value) => value <= most);
  return [
    {
      name: 'keys',
      title: 'keys, one member',
      steps: upTo([10_000, 100_000, 1_000_000], keysMax).map((keys) => ({
        ...usual,
        members: 1,
        keys,
        at: keys,
        label: count(keys),
      })),
    },
    {
      name: 'revisions',
      title: 'revisions of 10,000 keys, one member',
      steps: upTo([10_000, 100_000, 1_000_000], keysMax).map((revisions) => ({
        ...usual,
        members: 1,
        revisions,
        at: revisions,
        label: count(revisions),
      })),
    },
    {
      name: 'watchers',
      title: 'idle watchers, Put elsewhere',
      // A place for none on an axis of powers of ten.
      steps: upTo([100, 1_000, 10_000, 100_000], Math.max(keysMax / 10, 1_000)).map((at) => ({
        ...usual,
        watchers: at === 100 ? 0 : at,
        at,
        label: at === 100 ? '0' : count(at),
      })),
    },
    {
      name: 'value-bytes',
      title: 'bytes of a value',
      steps: [64, 256, 1_024, 16_384, 131_072, 1_048_576].map((valueBytes) => ({
        ...usual,
        // As many bytes in all, about.
        keys: Math.max(100, Math.min(usual.keys, Math.round(20_000_000 / valueBytes))),
        valueBytes,
        at: valueBytes,
        label: formatFigure(valueBytes, 'bytes'),
      })),
    },
    {
      name: 'members',
      title: 'members',
      steps: [1, 3, 5].map((members) => ({
        ...usual,
        members,
        at: members,
        label: String(members),
      })),
    },
  ];
}

const putShape = { connections: 64, streams: 1 };
/** Large values fill the machine's network and disks sooner than its processors. */
const largeShape = { connections: 8, streams: 1 };
const largeBytes = 65_536;
const settleMs = 3_000;
const stepOverheadMs = 15_000;
const revisionsPerSecond = 20_000;

interface Point {
  readonly cpuMicros: number;
  readonly perSecond: number;
  readonly p99Ms: number;
}

type Points = Readonly<Partial<Record<SystemName, Point>>>;

export async function measureGrowth(options: BenchOptions): Promise<number> {
  const { only } = options;
  const dimensions = dimensionsOf(options.keys).filter(
    ({ name }) => only === undefined || only.test(name),
  );
  const steps = dimensions.flatMap((dimension) => dimension.steps);
  const totalMs = steps.reduce((sum, step) => sum + expectedMs(step, options), 0);
  const progress = new Progress(totalMs * options.systems.length);
  const circumstances = circumstancesOf(options);
  console.log(`${steps.length} steps: about ${formatDuration(totalMs * options.systems.length)}`);
  const body: string[] = [];
  const curves: Curve[] = [];
  const data: object[] = [];
  for (const dimension of dimensions) {
    const points = await measureDimension(dimension, options, progress);
    const table = growthTable(dimension, points);
    body.push(`## ${dimension.title}`, '', table, '');
    data.push({ dimension, points });
    curves.push(curveOf(dimension, points));
    progress.say(`\n${dimension.title}\n${table}\n`);
  }
  const markdown = markdownOf('How the cost of a Put grows', circumstances, body);
  const name = `${fileNameOf(circumstances)}-growth`;
  console.log(`written to ${saveReport(options.out, name, markdown, { circumstances, data })}`);
  const path = options.svg ?? join(options.out, `${name}.svg`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, growthPicture(curves));
  console.log(`drawn to ${path}`);
  return 0;
}

function expectedMs({ keys, revisions = 0 }: Step, options: BenchOptions): number {
  const fillMs = ((keys + revisions) / revisionsPerSecond) * 1_000;
  return stepOverheadMs + fillMs + (options.seconds + options.warmupSeconds) * 1_000;
}

async function measureDimension(
  dimension: Dimension,
  options: BenchOptions,
  progress: Progress,
): Promise<readonly Points[]> {
  const all: Points[] = [];
  for (const step of dimension.steps) {
    const points: Partial<Record<SystemName, Point>> = {};
    for (const system of options.systems) {
      progress.begin(`${dimension.title}: ${step.label}, ${system}`, expectedMs(step, options));
      const point = await measureStep(step, system, options);
      points[system] = point;
      const { cpuMicros, perSecond } = point;
      progress.end(
        `CPU ${formatFigure(cpuMicros, 'us')} a Put, ${formatFigure(perSecond, 'per second')}`,
      );
    }
    all.push(points);
  }
  return all;
}

async function measureStep(step: Step, system: SystemName, options: BenchOptions): Promise<Point> {
  const { members, keys, valueBytes } = step;
  const { dir: folder, quorateFlags } = options;
  const settings = { system, members, keys, valueBytes, folder, quorateFlags, settleMs };
  const target = await Target.start(settings);
  try {
    await target.rewrite(step.revisions ?? 0);
    const endpoints = [(await target.leader()).target];
    const watching = await idleWatchers(target, endpoints, step.watchers ?? 0);
    const { result, cpuMicrosPerOperation } = await target.load({
      work: 'put',
      endpoints,
      ...(valueBytes >= largeBytes ? largeShape : putShape),
      warmupMs: options.warmupSeconds * 1_000,
      durationMs: options.seconds * 1_000,
    });
    watching.stop();
    const { perSecond, latencyMs } = result;
    return { cpuMicros: cpuMicrosPerOperation, perSecond, p99Ms: latencyMs.p99 };
  } finally {
    await target.destroy();
  }
}

const watchersMsMax = 3_600_000;

/** Watchers that see nothing of what is put, held until they are let go. */
async function idleWatchers(
  target: Target,
  endpoints: readonly string[],
  watchers: number,
): Promise<{ stop(): void }> {
  if (watchers === 0) return { stop: () => undefined };
  const options: LoadOptions = {
    work: 'watch-idle',
    endpoints,
    ...target.keyOptions(),
    watchers,
    connections: 10,
    streams: 10,
    putConnections: 0,
    warmupMs: 0,
    durationMs: watchersMsMax,
  };
  const run = startLoad(options);
  // It is ended early, and the cluster is gone soon after.
  const over = run.result.then(() => undefined);
  over.catch(() => undefined);
  await Promise.race([run.ready, over]);
  return run;
}

function growthTable(dimension: Dimension, points: readonly Points[]): string {
  const cells = (point: Point | undefined): readonly string[] =>
    point === undefined
      ? ['-', '-']
      : [formatFigure(point.cpuMicros, 'us'), formatFigure(point.perSecond, 'per second')];
  const head = ['', 'etcd, CPU a Put', 'rate', 'quorate, CPU a Put', 'rate', 'ratio of CPU'];
  const lines = dimension.steps.map(({ label }, index) => {
    const { etcd, quorate } = points[index] ?? {};
    const ratio =
      etcd === undefined || quorate === undefined
        ? '-'
        : formatNumber(quorate.cpuMicros / etcd.cpuMicros);
    return [label, ...cells(etcd), ...cells(quorate), ratio];
  });
  return formatTable(head, lines);
}

function curveOf({ title, steps }: Dimension, points: readonly Points[]): Curve {
  const line = (system: SystemName): Curve['lines'][number] => ({
    system,
    points: steps.flatMap(({ at }, index) => {
      const point = points[index]?.[system];
      return point === undefined ? [] : [{ at, micros: point.cpuMicros }];
    }),
  });
  const ticks = steps.map(({ at, label }) => ({ at, label }));
  return { title, ticks, lines: [line('etcd'), line('quorate')] };
}
