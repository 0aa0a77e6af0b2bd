import { closeSync, openSync, writeSync } from 'node:fs';
import type { ServerConfig } from '../config/server-config.ts';
import {
  consoleLogger,
  jsonLogger,
  type LogLevel,
  type LogSink,
  type Logger,
} from '../host/logger.ts';

export interface ServerLog {
  readonly logger: Logger;
  close(): void;
}

type LogConfig = Pick<ServerConfig, 'logLevel' | 'logFormat' | 'logOutputs'>;

/** The log that a configuration asks for. Throws when a file cannot be opened. */
export function openLog(config: LogConfig): ServerLog {
  const files: number[] = [];
  const writers = [...new Set(config.logOutputs)].map((output) => {
    if (output === 'stdout') {
      process.stdout.on('error', () => undefined);
      return (line: string) => void process.stdout.write(line);
    }
    // systemd/journal means the journal's socket in etcd; under systemd stderr ends up there as well.
    if (['default', 'stderr', 'systemd/journal'].includes(output)) {
      return (line: string) => void process.stderr.write(line);
    }
    const file = openSync(output, 'a');
    files.push(file);
    return (line: string) => void writeSync(file, line);
  });
  const sink: LogSink = {
    level: levelOf(config.logLevel),
    write: (line) => {
      for (const write of writers) write(line);
    },
    wallMs: () => performance.timeOrigin + performance.now(),
  };
  const logger = config.logFormat === 'console' ? consoleLogger(sink) : jsonLogger(sink);
  return {
    logger,
    close: () => {
      for (const file of files) closeSync(file);
    },
  };
}

function levelOf(level: ServerConfig['logLevel']): LogLevel {
  return level === 'panic' ? 'fatal' : level;
}
