import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../src/base/random.ts';
import { losePower, mendTrace } from './power-loss.ts';

/** What a member that does not run can lose, and what a killed one leaves of its trace. */
describe('A power loss', () => {
  let folder = '';
  let trace = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'quorate-power-'));
    trace = join(folder, 'trace');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A header alone, as shim/trace.c writes it: the folder itself, or the start of a process. */
  function record(kind: 'start' | 'baseFolder'): Buffer {
    const bytes = Buffer.alloc(40);
    bytes.writeUInt32LE(bytes.length, 0);
    bytes.writeUInt8(kind === 'start' ? 1 : 2, 4);
    return bytes;
  }

  for (const [what, records] of [
    ['that has lost power already', []],
    ['that had begun to start', ['baseFolder']],
  ] as const) {
    it(`takes nothing from a member ${what}`, () => {
      writeFileSync(join(folder, 'kept'), 'synced long ago');
      writeFileSync(trace, Buffer.concat(records.map(record)));
      losePower({ dataDir: folder, trace, random: seededRandom(1) });
      assert.equal(readFileSync(join(folder, 'kept'), 'utf8'), 'synced long ago');
      assert.equal(statSync(trace).size, 0);
    });
  }

  it('finds whole records only behind a kill in the middle of one', () => {
    const whole = Buffer.concat([record('baseFolder'), record('start')]);
    writeFileSync(trace, Buffer.concat([whole, record('start').subarray(0, 17)]));
    mendTrace(trace);
    assert.deepEqual(readFileSync(trace), whole);
  });
});
