import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Ending } from './ending.ts';
import type { History, NemesisEvent, Operation } from './types.ts';

/**
 * history.ndjson: one JSON object a line. The first says what was run; then operations, each written when it ended, and
 * what the nemesis did; the last says how the members ended.
 */

export type Header = Pick<
  History,
  'workload' | 'nemesis' | 'seed' | 'target' | 'secondTry' | 'seconds' | 'startedAt'
>;

export type Line =
  | ({ readonly type: 'test' } & Header)
  | ({ readonly type: 'operation' } & Operation)
  | ({ readonly type: 'nemesis' } & NemesisEvent)
  | ({ readonly type: 'ending' } & Ending);

export interface StoredRun {
  readonly history: History;
  /** Undefined: the run was cut off. */
  readonly ending: Ending | undefined;
}

/** Lines wait for each other up to so much before they are written. */
const bufferCharsMax = 64 * 1024;

export class HistoryFile {
  readonly #descriptor: number;
  #buffer = '';

  constructor(path: string) {
    this.#descriptor = openSync(path, 'w');
  }

  header(header: Header): void {
    this.#line({ type: 'test', ...header });
  }

  operation(operation: Operation): void {
    this.#line({ type: 'operation', ...operation });
  }

  event(event: NemesisEvent): void {
    this.#line({ type: 'nemesis', ...event });
    this.flush();
  }

  ending(ending: Ending): void {
    this.#line({ type: 'ending', ...ending });
  }

  close(): void {
    this.flush();
    closeSync(this.#descriptor);
  }

  #line(line: Line): void {
    this.#buffer += `${JSON.stringify(line)}\n`;
    if (this.#buffer.length > bufferCharsMax) this.flush();
  }

  flush(): void {
    if (this.#buffer !== '') writeSync(this.#descriptor, this.#buffer);
    this.#buffer = '';
  }
}

/** @throws on a file that is no history, naming the line. */
export function parseHistory(text: string): StoredRun {
  let header: Header | undefined;
  let ending: Ending | undefined;
  const operations: Operation[] = [];
  const events: NemesisEvent[] = [];
  const lines = text.split('\n');
  for (const [at, each] of lines.entries()) {
    if (each === '') continue;
    const line = parseLine(each, at);
    switch (line.type) {
      case 'test':
        header = withoutType(line);
        break;
      case 'operation':
        // JSON has no undefined: one that never ended comes without the field.
        operations.push({ ...withoutType(line), endUs: line.endUs });
        break;
      case 'nemesis':
        events.push(withoutType(line));
        break;
      case 'ending':
        ending = withoutType(line);
        break;
    }
  }
  if (header === undefined) throw new Error('not a history: no line says what was run');
  operations.sort((a, b) => a.index - b.index);
  return { history: { ...header, operations, events }, ending };
}

function parseLine(text: string, at: number): Line {
  try {
    return JSON.parse(text) as Line;
  } catch (error) {
    throw new Error(`line ${at + 1} of the history is no JSON: ${text.slice(0, 80)}`, {
      cause: error,
    });
  }
}

function withoutType<T extends { readonly type: string }>(line: T): Omit<T, 'type'> {
  return Object.fromEntries(Object.entries(line).filter(([name]) => name !== 'type')) as Omit<
    T,
    'type'
  >;
}

export function loadHistory(path: string): StoredRun {
  return parseHistory(readFileSync(path, 'utf8'));
}
