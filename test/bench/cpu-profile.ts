/** Reads what V8's profiler writes: which function was on top of the stack, sample by sample. */

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** In microseconds, each since the sample before. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0; -1 where there is none. */
  readonly lineNumber: number;
  readonly columnNumber: number;
}

export interface SelfTime {
  readonly frame: CallFrame;
  readonly part: string;
  readonly micros: number;
}

export interface ProfileSummary {
  /** The event loop waited. */
  readonly idleMicros: number;
  /** All the rest. */
  readonly busyMicros: number;
  /** Most first. */
  readonly parts: readonly { readonly part: string; readonly micros: number }[];
  /** Functions by their place in the source, most first; idle left out. */
  readonly functions: readonly SelfTime[];
}

const idlePart = 'idle';

export function summarize(profile: CpuProfile): ProfileSummary {
  const parts = new Map<string, number>();
  const functions = new Map<string, SelfTime>();
  const micros = selfMicros(profile);
  const callers = callersOf(profile.nodes);
  for (const node of profile.nodes) {
    const own = micros.get(node.id) ?? 0;
    if (own === 0) continue;
    const part = partOf(node.callFrame, callers.get(node.id));
    parts.set(part, (parts.get(part) ?? 0) + own);
    const { functionName, url, lineNumber, columnNumber } = node.callFrame;
    const key = `${functionName} ${url}:${lineNumber}:${columnNumber}`;
    const before = functions.get(key)?.micros ?? 0;
    functions.set(key, { frame: node.callFrame, part, micros: before + own });
  }
  const idleMicros = parts.get(idlePart) ?? 0;
  const all = [...parts.values()].reduce((sum, each) => sum + each, 0);
  parts.delete(idlePart);
  return {
    idleMicros,
    busyMicros: all - idleMicros,
    parts: [...parts].map(([part, own]) => ({ part, micros: own })).sort(mostFirst),
    functions: [...functions.values()].filter(({ part }) => part !== idlePart).sort(mostFirst),
  };
}

const mostFirst = (a: { readonly micros: number }, b: { readonly micros: number }): number =>
  b.micros - a.micros;

/** A sample lasts until the next one. */
function selfMicros({ samples, timeDeltas }: CpuProfile): ReadonlyMap<number, number> {
  const micros = new Map<number, number>();
  for (const [index, id] of samples.entries()) {
    const lasted = Math.max(timeDeltas[index + 1] ?? 0, 0);
    micros.set(id, (micros.get(id) ?? 0) + lasted);
  }
  return micros;
}

function callersOf(nodes: readonly ProfileNode[]): ReadonlyMap<number, CallFrame> {
  const callers = new Map<number, CallFrame>();
  for (const { callFrame, children = [] } of nodes) {
    for (const child of children) callers.set(child, callFrame);
  }
  return callers;
}

/** Folders of src whose folders are told apart. */
const split = new Set(['grpc']);

/** What a function belongs to: a folder of src, a package, node itself, or what V8 names in brackets. */
export function partOf(frame: CallFrame, caller: CallFrame | undefined): string {
  switch (frame.functionName) {
    case '(idle)':
      return idlePart;
    case '(garbage collector)':
      return 'garbage collection';
    case '(program)':
    case '(root)':
      return 'outside JavaScript';
  }
  const { url } = frame;
  const own = /\/dist\/src\/(.+)$/.exec(url)?.[1];
  if (own !== undefined) return folderOf(own);
  const dependency = dependencyOf(url);
  if (dependency !== undefined) return dependency;
  if (url.startsWith('node:')) return 'node, its JavaScript';
  if (url !== '') return 'elsewhere';
  const from = caller === undefined ? undefined : dependencyOf(caller.url);
  return from === undefined ? 'native calls' : `native calls of ${from}`;
}

function folderOf(path: string): string {
  const [folder = '', next = '', ...rest] = path.split('/');
  return split.has(folder) && rest.length > 0 ? `src/${folder}/${next}` : `src/${folder}`;
}

const dependencyOf = (url: string): string | undefined =>
  /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
