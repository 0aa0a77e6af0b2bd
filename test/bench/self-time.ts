import { Session, type Profiler } from 'node:inspector/promises';

/** Self time of the main thread by folder of `src` and by function, as text after the work's own figures. */

const samplingIntervalUs = 200;
const functionsShown = 45;

export async function profiled(work: () => Promise<string>): Promise<string> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: samplingIntervalUs });
  await session.post('Profiler.start');
  const figures = await work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  return `${figures}\n${describe(profile)}`;
}

function describe({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): string {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const folders = new Map<string, number>();
  const functions = new Map<string, number>();
  let total = 0;
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = byId.get(id)?.callFrame ?? noFrame;
    if (functionName === '(idle)') return;
    const delta = timeDeltas[i] ?? 0;
    total += delta;
    const file = /dist\/((?:src|test)\/.*)$/.exec(url)?.[1] ?? url;
    const folder = /^src\/[^/]+/.exec(file)?.[0] ?? (file.startsWith('test') ? 'test' : 'runtime');
    const name = `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`;
    folders.set(folder, (folders.get(folder) ?? 0) + delta);
    functions.set(name, (functions.get(name) ?? 0) + delta);
  });
  return [table(folders, total, Infinity), table(functions, total, functionsShown)].join('\n');
}

const noFrame = { functionName: '', url: '', lineNumber: 0 };

function table(times: ReadonlyMap<string, number>, total: number, rows: number): string {
  return [...times]
    .sort((a, b) => b[1] - a[1])
    .slice(0, rows)
    .map(([name, time]) => `${((100 * time) / total).toFixed(1).padStart(8)} %  ${name}`)
    .join('\n');
}
