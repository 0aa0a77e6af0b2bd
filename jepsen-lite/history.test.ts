import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HistoryFile, loadHistory, parseHistory } from './history-file.ts';
import { RunRecorder } from './recorder.ts';

const header = { workload: 'w', nemesis: 'kill', seed: 7, target: 'quorate' } as const;
const invocation = { process: 1, member: 'n1', f: 'put', input: { key: 'x' } };

describe('jepsen-lite: a history as it is recorded and stored', () => {
  let folder: string;
  let file: HistoryFile;
  let recorder: RunRecorder;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'jepsen-lite-'));
    file = new HistoryFile(join(folder, 'history.ndjson'));
    const outcomeOf = (error: unknown) => {
      if (!(error instanceof RangeError)) throw error;
      return 'fail' as const;
    };
    recorder = new RunRecorder({ header, file, outcomeOf });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is the same when it is read back, in the order of invocation', async () => {
    let answer: (value: number) => void = () => undefined;
    const first = recorder.record(invocation, () => new Promise((resolve) => (answer = resolve)));
    await recorder.record({ ...invocation, process: 2 }, () => Promise.resolve({ revision: 2 }));
    recorder.note({ process: 3, member: 'n2', f: 'event', input: null, output: 'x' });
    answer(1);
    await first;
    recorder.event({ startUs: 1, endUs: 2, what: 'kill -9 of n1', members: ['n1'] });
    const history = recorder.close();
    file.close();
    assert.deepEqual(
      history.operations.map(({ index, outcome, output }) => [index, outcome, output]),
      [
        [0, 'ok', 1],
        [1, 'ok', { revision: 2 }],
        [2, 'ok', 'x'],
      ],
    );
    assert.deepEqual(loadHistory(join(folder, 'history.ndjson')), { history, ending: undefined });
  });

  it('holds what never ended, as something of which nobody knows', async () => {
    void recorder.record(invocation, () => new Promise(() => undefined));
    const { operations } = recorder.close();
    file.close();
    assert.equal(operations[0]?.endUs, undefined);
    assert.equal(operations[0]?.outcome, 'info');
    const stored = loadHistory(join(folder, 'history.ndjson')).history.operations[0];
    assert.deepEqual(stored, operations[0]);
  });

  it('tells errors of the store as outcomes, and throws on those of the harness', async () => {
    const failed = await recorder.record(invocation, () => Promise.reject(new RangeError('no')));
    assert.deepEqual([failed.outcome, failed.error], ['fail', 'no']);
    const broken = recorder.record(invocation, () => Promise.reject(new TypeError('a bug')));
    await assert.rejects(broken, TypeError);
    // What it did to the store nobody knows.
    assert.equal(recorder.close().operations[1]?.outcome, 'info');
    file.close();
  });

  it('is refused with the number of the line that is no JSON', () => {
    const good = JSON.stringify({ type: 'test', ...header });
    assert.throws(() => parseHistory(`${good}\n{"type":"oper`), /line 2/);
    assert.throws(() => parseHistory(''), /not a history/);
    file.close();
  });
});
