import assert from 'node:assert/strict';
import { parseBenchmark } from './benchmark-tool.ts';
import { partOf, summarize, type CallFrame, type CpuProfile } from './cpu-profile.ts';
import { parseStat, parseStatus, usageOf } from './proc.ts';
import { mergeTurns, noTurns, wallPercentileMs, type Turns } from './turns.ts';

describe('/proc', () => {
  it('tells CPU time, whatever the name of the command', () => {
    const fields = Array.from({ length: 49 }, (_, i) => String(i + 4));
    const text = `4711 (a) (b c) S ${fields.join(' ')}\n`;
    // utime is field 14 and stime field 15, each here as large as its number, in ticks of 10 ms.
    assert.deepEqual(parseStat(text), { cpuMs: (14 + 15) * 10 });
    assert.throws(() => parseStat('nothing of the kind'), /no CPU time/);
  });

  it('tells memory', () => {
    const text = 'Name:\tx\nVmRSS:\t    3000 kB\nRssAnon:\t    1000 kB\nRssFile:\t    2000 kB\n';
    assert.deepEqual(parseStatus(text), {
      residentBytes: 3_072_000,
      anonymousBytes: 1_024_000,
      fileBytes: 2_048_000,
    });
    assert.throws(() => parseStatus('VmRSS: 1 kB'), /no RssAnon/);
  });

  it('tells both of this process', () => {
    const { cpuMs, residentBytes, anonymousBytes, fileBytes } = usageOf(process.pid);
    const own = process.cpuUsage();
    const ownMs = (own.user + own.system) / 1_000;
    assert.ok(Math.abs(cpuMs - ownMs) < 200, `${cpuMs} ms, and ${ownMs} ms by Node`);
    assert.ok(anonymousBytes + fileBytes <= residentBytes);
  });
});

describe("etcd's benchmark", () => {
  const summary = (perSecond: string, rest = ''): string =>
    `\nSummary:\n  Total:\t1.2 secs.\n  Requests/sec:\t${perSecond}\n\nResponse time histogram:\n` +
    `  0.0005 [1]\t|\n\nLatency distribution:\n  95% in 0.0015 secs.\n  99% in 0.0056 secs.\n${rest}`;

  it('is read from its last summary', () => {
    const output = `Watch creation summary:\n${summary('10.5')}Watch events:\n${summary('4274.6')}`;
    assert.deepEqual(parseBenchmark(output), { perSecond: 4274.6, p99Ms: 5.6, errors: 0 });
  });

  it('tells what failed', () => {
    const failed = '\nError distribution:\n  [3]\tdeadline exceeded\n  [4]\tunavailable\n';
    assert.equal(parseBenchmark(summary('1', failed)).errors, 7);
    assert.throws(() => parseBenchmark('panic'), /no summary/);
  });
});

describe('a CPU profile', () => {
  const frame = (functionName: string, url = ''): CallFrame => ({
    functionName,
    url,
    lineNumber: 0,
    columnNumber: 0,
  });
  const put = frame('put', 'file:///q/dist/src/mvcc/store.js');

  it('is told by the folders of src, packages, node, and what is none of these', () => {
    const level = frame('batch', 'file:///q/node_modules/classic-level/index.js');
    assert.equal(partOf(put, undefined), 'src/mvcc');
    assert.equal(
      partOf(frame('f', 'file:///q/dist/src/grpc/http2/frame.js'), put),
      'src/grpc/http2',
    );
    assert.equal(partOf(frame('f', 'file:///q/dist/src/grpc/engine.js'), put), 'src/grpc');
    assert.equal(partOf(level, put), 'classic-level');
    assert.equal(partOf(frame('batch_put'), level), 'native calls of classic-level');
    assert.equal(partOf(frame('writev'), frame('write', 'node:net')), 'native calls');
    assert.equal(partOf(frame('write', 'node:net'), put), 'node, its JavaScript');
    const scoped = frame('f', 'file:///q/node_modules/@grpc/grpc-js/build/server.js');
    assert.equal(partOf(scoped, put), '@grpc/grpc-js');
    assert.equal(partOf(frame('(garbage collector)'), put), 'garbage collection');
  });

  it('gives each sample the time until the next, and leaves idle out of what is busy', () => {
    const profile: CpuProfile = {
      nodes: [
        { id: 1, callFrame: frame('(root)'), children: [2, 3] },
        { id: 2, callFrame: put },
        { id: 3, callFrame: frame('(idle)') },
      ],
      samples: [2, 3, 2, 3],
      timeDeltas: [1_000, 10, 20, 30],
    };
    const { idleMicros, busyMicros, parts, functions } = summarize(profile);
    assert.deepEqual({ idleMicros, busyMicros }, { idleMicros: 20, busyMicros: 40 });
    assert.deepEqual(parts, [{ part: 'src/mvcc', micros: 40 }]);
    assert.deepEqual(
      functions.map((each) => [each.frame.functionName, each.micros]),
      [['put', 40]],
    );
  });
});

describe('turns of the event loop', () => {
  const turns = (buckets: readonly number[], longestWallMs: number): Turns => ({
    turns: buckets.reduce((sum, each) => sum + each, 0),
    longestWallMs,
    longestCpuMs: longestWallMs / 2,
    bucketsPerDoubling: 1,
    buckets,
  });

  it('of members and times are one: the longest of all, and all counted', () => {
    const merged = mergeTurns([turns([1, 2], 3), noTurns, turns([0, 0, 5], 2)]);
    assert.equal(merged.turns, 8);
    assert.deepEqual(merged.buckets, [1, 2, 5]);
    assert.equal(merged.longestWallMs, 3);
    assert.equal(merged.longestCpuMs, 1.5);
  });

  it('have percentiles as exact as the buckets', () => {
    const buckets = Array.from({ length: 12 }, () => 0);
    buckets[3] = 998;
    buckets[10] = 2;
    assert.equal(wallPercentileMs(turns(buckets, 2), 0.5), 2 ** 3 / 1_000);
    assert.equal(wallPercentileMs(turns(buckets, 2), 0.999), 2 ** 10 / 1_000);
    assert.equal(wallPercentileMs(noTurns, 0.999), 0);
  });
});
