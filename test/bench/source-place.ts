import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repositoryRoot } from '../members/programs.ts';
import type { CallFrame } from './cpu-profile.ts';

const maps = new Map<string, SourceMap | undefined>();

/** Where a function is written: `src/mvcc/store.ts:120` through the source map, else as V8 names the place. */
export function placeOf({ url, lineNumber, columnNumber }: CallFrame): string {
  if (!url.startsWith('file:')) return url === '' ? '' : `${url}:${lineNumber + 1}`;
  const file = fileURLToPath(url);
  const entry = mapOf(file)?.findEntry(lineNumber, columnNumber);
  if (entry === undefined || !('originalSource' in entry)) {
    return `${shorten(file)}:${lineNumber + 1}`;
  }
  const source = resolve(dirname(file), entry.originalSource);
  return `${shorten(source)}:${entry.originalLine + 1}`;
}

/** From the root of the checkout, and from the name of a package. */
const shorten = (path: string): string =>
  relative(repositoryRoot, path).replace(/^.*node_modules\//, '');

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) {
    const path = join(dirname(file), `${file.split('/').at(-1)}.map`);
    const map = existsSync(path)
      ? new SourceMap(JSON.parse(readFileSync(path, 'utf8')))
      : undefined;
    maps.set(file, map);
  }
  return maps.get(file);
}
