/** Structured logging behind an interface: silent when embedded, etcd's JSON lines when run as a server. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  log(level: LogLevel, msg: string, fields?: LogFields): void;
}

export const silentLogger: Logger = { log: () => undefined };

export interface LogSink {
  /** Lines below this level are dropped. */
  readonly level: LogLevel;
  /** Takes one line with its end, and has it out before it returns: the next line may be the last. */
  write(line: string): void;
  /** Milliseconds since 1970, with what fraction there is. */
  wallMs(): number;
}

const ranks: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  fatal: 4,
};

/** One JSON object a line with zap's keys: level, ts, caller, msg, then the fields. */
export function jsonLogger(sink: LogSink): Logger {
  return {
    log: (level, msg, fields) => {
      if (ranks[level] < ranks[sink.level]) return;
      const ts = formatTimestamp(sink.wallMs());
      const head = { level, ts, caller: findCaller(), msg };
      sink.write(`${JSON.stringify({ ...head, ...fields }, plainValue)}\n`);
    },
  };
}

/** zap's form for people: time, level, caller and message between tabs, then the fields as JSON. */
export function consoleLogger(sink: LogSink): Logger {
  return {
    log: (level, msg, fields) => {
      if (ranks[level] < ranks[sink.level]) return;
      const parts = [formatTimestamp(sink.wallMs()), level, findCaller(), msg];
      if (fields !== undefined) parts.push(formatSpaced(fields));
      sink.write(`${parts.join('\t')}\n`);
    },
  };
}

/** UTC with microseconds, as zap writes it: 2026-11-22T15:18:30.139555Z. */
function formatTimestamp(wallMs: number): string {
  const wholeMs = Math.floor(wallMs);
  const micros = Math.floor((wallMs - wholeMs) * 1000);
  const text = new Date(wholeMs).toISOString();
  return `${text.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

/** What JSON.stringify cannot write or would write badly. Ids are hex, as etcd logs them. */
function plainValue(this: unknown, _key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return BigInt.asUintN(64, value).toString(16);
  if (value instanceof Error) return value.message;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Map) return Object.fromEntries(value);
  return value;
}

/** JSON with a blank behind each comma and colon. */
function formatSpaced(fields: LogFields): string {
  const indented = JSON.stringify(fields, plainValue, 1);
  // Texts hold no line ends of their own in JSON, so each one found here is between two parts.
  return indented
    .replace(/([[{])\n\s*/g, '$1')
    .replace(/\n\s*([\]}])/g, '$1')
    .replace(/\n\s*/g, ' ');
}

/** Folder, file and line of whoever logs: `server/raft-loop.js:120`. */
function findCaller(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = callerDepth;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = limit;
  for (const line of stack.split('\n').slice(1)) {
    const [, place, lineNumber] = /([^/\\]+[/\\][^/\\:]+):(\d+):\d+\)?$/.exec(line) ?? [];
    if (place !== undefined && !/host[/\\]logger\.[jt]s$/.test(place))
      return `${place}:${lineNumber}`;
  }
  return 'unknown:0';
}

/** findCaller, log, and whoever called; two more for a logger that wraps this one. */
const callerDepth = 5;
