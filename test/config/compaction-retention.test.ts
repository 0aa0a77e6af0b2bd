import assert from 'node:assert/strict';
import { parseCompactionRetention } from '../../src/config/compaction-retention.ts';

const hourMs = 3_600_000;
const off = { mode: 'off' };
const periodic = (periodMs: number): object => ({ mode: 'periodic', periodMs });
const problem = (text: string): object => ({ problem: text });

/** As etcd 3.7.3 reads them, save where a comment says otherwise. */
const cases: readonly (readonly [mode: string, retention: string, meaning: object])[] = [
  ['periodic', '0', off],
  ['periodic', '', off],
  ['periodic', '0s', off],
  ['periodic', '1', periodic(hourMs)],
  ['periodic', '+5', periodic(5 * hourMs)],
  ['periodic', '72h', periodic(72 * hourMs)],
  ['periodic', '1h30m', periodic(1.5 * hourMs)],
  ['periodic', '500ms', periodic(500)],
  ['revision', '0', off],
  ['revision', '1000', { mode: 'revision', revisions: 1000 }],
  [
    'periodic',
    '-1',
    problem('error parsing CompactionRetention: time: missing unit in duration "-1"'),
  ],
  [
    'revision',
    '1.5',
    problem('error parsing CompactionRetention: time: missing unit in duration "1.5"'),
  ],
  ['periodic', 'abc', problem('error parsing CompactionRetention: time: invalid duration "abc"')],
  // etcd ends with a panic at these two.
  ['periodic', '-1h', problem('--auto-compaction-retention must be >=0 (set to -1h0m0s)')],
  ['periodic', '99999999999', problem('--auto-compaction-retention=99999999999 is too large')],
  // etcd takes this for 300,000,000,000 revisions, and never compacts.
  [
    'revision',
    '5m',
    problem(
      '--auto-compaction-retention=5m is a time: with --auto-compaction-mode=revision it counts revisions',
    ),
  ],
];

describe('--auto-compaction-retention', () => {
  for (const [mode, retention, meaning] of cases) {
    it(`${mode} ${JSON.stringify(retention)}: ${JSON.stringify(meaning)}`, () => {
      assert.deepEqual(parseCompactionRetention(mode, retention), meaning);
    });
  }
});
