import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quorateDb } from './quorate.ts';
import { Slot } from './slot.ts';

describe('jepsen-lite: a member that is killed or stopped', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jepsen-slot-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('has it in its log, with the time, for those who wonder why it ends', async () => {
    const logFile = join(folder, 'n1.log');
    const sleeper = { label: 'sleeper', command: ['/bin/sh', '-c', 'echo begun; exec sleep 60'] };
    const slot = new Slot({
      db: { ...quorateDb, program: sleeper },
      name: 'n1',
      clientPort: 1,
      peerPort: 2,
      proxyPort: 3,
      dataFolder: join(folder, 'data'),
      logFile,
      onNewLife: () => undefined,
      onUnexpectedExit: () => assert.fail('it was to be killed'),
    });
    slot.prepare('n1=http://127.0.0.1:3', 'new');
    slot.launch();
    while (!slot.tail.includes('begun')) await new Promise((resolve) => setTimeout(resolve, 10));
    slot.pause();
    slot.resume();
    await slot.kill();
    // Nobody is there any more.
    await slot.kill();
    const marks = readFileSync(logFile, 'utf8').match(/^--- .* ---$/gm) ?? [];
    assert.deepEqual(
      marks.map((mark) => mark.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, 'T')),
      [
        '--- stopped by the test (SIGSTOP) at T ---',
        '--- resumed by the test (SIGCONT) at T ---',
        '--- killed by the test (SIGKILL) at T ---',
      ],
    );
  });
});
