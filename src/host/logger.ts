/** Structured logging behind an interface: silent when embedded, etcd's JSON lines when run as a server. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  log(level: LogLevel, msg: string, fields?: LogFields): void;
}

export const silentLogger: Logger = { log: () => undefined };
