import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The architecture as a test: which folder may import which, and what the pure layers may not touch. */

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const src = join(root, 'src');

/** Layers from below; an import may only point down, or within the folder. */
const layers: readonly (readonly string[])[] = [
  ['base'],
  ['raft', 'mvcc', 'lease', 'auth', 'membership'],
  ['apply'],
  ['storage', 'peer', 'host'],
  ['server'],
  ['api'],
  ['embed', 'dr', 'ui'],
  ['cli'],
];
const layerOf = new Map(layers.flatMap((names, layer) => names.map((name) => [name, layer])));

/** What stands beside the layers: what each may import, and who may import it. */
const sideways: Readonly<
  Record<string, { readonly imports: readonly string[]; readonly importedBy: readonly string[] }>
> = {
  grpc: { imports: ['base'], importedBy: ['peer', 'api', 'embed', 'client'] },
  wire: {
    imports: ['base'],
    importedBy: [...layerOf.keys(), 'client', 'config'].filter((name) => name !== 'base'),
  },
  client: { imports: ['base', 'wire', 'grpc'], importedBy: ['embed', 'cli'] },
  config: { imports: ['base'], importedBy: ['embed', 'cli'] },
};

/** Within a layer, these may use each other's interfaces: effects that are composed of effects. */
const besides: Readonly<Record<string, readonly string[]>> = {
  peer: ['host'],
  storage: ['host'],
};

const pure = new Set(['base', 'raft', 'mvcc', 'lease', 'auth', 'membership', 'apply', 'wire']);

interface SourceFile {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
}

const files: readonly SourceFile[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({
    path,
    folder: path.split('/')[0] ?? '',
    text: readFileSync(join(src, path), 'utf8'),
  }));

/** Specifiers of import and export lines; comments and strings that hold none are left out by the anchor. */
function importsOf(file: SourceFile): readonly string[] {
  const pattern = /^(?:import|export)\s+(?:[\w*\s{},]+\s+from\s+)?['"]([^'"]+)['"]/gm;
  return [...file.text.matchAll(pattern)].map((match) => match[1] ?? '');
}

/** Code without comments, so that a word in a sentence breaks no rule. */
function codeOf(file: SourceFile): string {
  return file.text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  const beside = sideways[to];
  if (beside !== undefined) return beside.importedBy.includes(from);
  if (sideways[from] !== undefined) return sideways[from].imports.includes(to);
  const [low, high] = [layerOf.get(to), layerOf.get(from)];
  assert.ok(low !== undefined, `src/${to} is in no layer`);
  assert.ok(high !== undefined, `src/${from} is in no layer`);
  return low < high || (besides[from]?.includes(to) ?? false);
}

function offences(rule: (file: SourceFile) => readonly string[]): readonly string[] {
  return files.flatMap((file) => rule(file).map((offence) => `src/${file.path}: ${offence}`));
}

describe('the structure of src', () => {
  it('imports point down the layers only, type imports included', () => {
    const wrong = offences((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map(
          (specifier) =>
            relative(src, join(src, dirname(file.path), specifier)).split('/')[0] ?? '',
        )
        .filter((to) => !mayImport(file.folder, to))
        .map((to) => `${file.folder} must not import ${to}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('has no import cycles', () => {
    const byPath = new Map(files.map((file) => [file.path, file]));
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (state.get(path) === 'open') cycles.push([...trail, path].join(' -> '));
      const file = byPath.get(path);
      if (state.has(path) || file === undefined) return;
      state.set(path, 'open');
      for (const specifier of importsOf(file)) {
        if (specifier.startsWith('.'))
          visit(relative(src, join(src, dirname(path), specifier)), [...trail, path]);
      }
      state.set(path, 'done');
    };
    for (const file of files) visit(file.path, []);
    assert.deepEqual(cycles, []);
  });

  it('keeps the pure layers free of effects', () => {
    const banned =
      /\b(Date|setTimeout|setInterval|setImmediate|queueMicrotask|process|Promise|async|await)\b(?!['":])|Math\.random/g;
    const wrong = offences((file) => {
      if (!pure.has(file.folder)) return [];
      const outside = importsOf(file).filter((specifier) => !specifier.startsWith('.'));
      return [...outside, ...[...codeOf(file).matchAll(banned)].map((match) => match[0])];
    });
    assert.deepEqual(wrong, []);
  });

  it('uses Buffer in the pure layers only inside base/bytes', () => {
    const wrong = offences((file) =>
      pure.has(file.folder) && file.path !== 'base/bytes.ts' && /\bBuffer\b/.test(codeOf(file))
        ? ['Buffer']
        : [],
    );
    assert.deepEqual(wrong, []);
  });

  it('lets layer 4 take its time and its turns from the host', () => {
    const banned =
      /\b(await|queueMicrotask|Promise|setTimeout|setImmediate|setInterval|Date)\b|Math\.random/g;
    const wrong = offences((file) =>
      file.folder === 'server' ? [...codeOf(file).matchAll(banned)].map((match) => match[0]) : [],
    );
    assert.deepEqual(wrong, []);
  });

  it('imports dynamically only in cli', () => {
    const wrong = offences((file) =>
      file.folder !== 'cli' && /\bimport\(/.test(codeOf(file)) ? ['import()'] : [],
    );
    assert.deepEqual(wrong, []);
  });

  it('silences neither the compiler nor the linter', () => {
    const silence = /@ts-(ignore|expect-error|nocheck)|oxlint-disable|eslint-disable|\bas any\b/g;
    const wrong = offences((file) => [...file.text.matchAll(silence)].map((match) => match[0]));
    assert.deepEqual(wrong, []);
  });

  it('has no file of more than 600 lines and no line of more than 120 columns', () => {
    const wrong = offences((file) => {
      const lines = file.text.split('\n');
      const long = lines
        .filter((line) => line.length > 120)
        .map((line) => `long line: ${line.slice(0, 60)}`);
      return lines.length > 600 ? [`${lines.length} lines`, ...long] : long;
    });
    assert.deepEqual(wrong, []);
  });
});
