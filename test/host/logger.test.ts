import assert from 'node:assert/strict';
import { consoleLogger, jsonLogger, type Logger, type LogSink } from '../../src/host/logger.ts';

function logged(
  make: (sink: LogSink) => Logger,
  level: LogSink['level'] = 'info',
): {
  readonly logger: Logger;
  readonly lines: readonly string[];
} {
  const lines: string[] = [];
  const logger = make({
    level,
    write: (line) => void lines.push(line),
    wallMs: () => Date.UTC(2026, 10, 22, 15, 18, 30, 139) + 0.5,
  });
  return { logger, lines };
}

/** Keys and forms are those that etcd's operators parse: zap's, with etcd's time format. */
describe('log lines', () => {
  it('are JSON with level, ts, caller and msg before the fields', () => {
    const { logger, lines } = logged(jsonLogger);
    logger.log('info', 'ready to serve client requests', { 'member-id': 2n ** 63n, urls: ['a'] });
    const line = (lines[0] ?? '').replace(/logger\.test\.js:\d+/, 'FILE');
    assert.equal(
      line,
      '{"level":"info","ts":"2026-11-22T15:18:30.139500Z","caller":"host/FILE",' +
        '"msg":"ready to serve client requests","member-id":"8000000000000000","urls":["a"]}\n',
    );
  });

  it('are tabs and spaced JSON in the console format', () => {
    const { logger, lines } = logged(consoleLogger);
    logger.log('warn', 'slow', { took: '2s', list: [1, 2], none: [] });
    logger.log('info', 'bare');
    assert.deepEqual(
      lines.map((line) => line.replace(/logger\.test\.js:\d+/, 'FILE')),
      [
        '2026-11-22T15:18:30.139500Z\twarn\thost/FILE\tslow\t{"took": "2s", "list": [1, 2], "none": []}\n',
        '2026-11-22T15:18:30.139500Z\tinfo\thost/FILE\tbare\n',
      ],
    );
  });

  it('stay one line whatever a field holds', () => {
    for (const make of [jsonLogger, consoleLogger]) {
      const { logger, lines } = logged(make);
      logger.log('error', 'a\nb', {
        error: new Error('c\nd'),
        bytes: new Uint8Array([1]),
        map: new Map([['k', 1]]),
      });
      if (make === jsonLogger) assert.equal((lines[0] ?? '').split('\n').length, 2);
      assert.match(lines[0] ?? '', /c\\nd/);
      assert.match(lines[0] ?? '', /"AQ=="/);
    }
  });

  it('below the level are dropped', () => {
    const { logger, lines } = logged(jsonLogger, 'warn');
    for (const level of ['debug', 'info', 'warn', 'error', 'fatal'] as const)
      logger.log(level, 'm');
    assert.equal(lines.length, 3);
  });
});
