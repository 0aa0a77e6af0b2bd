import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** By the script's name in package.json; all of them take their arguments in the same way. */
const tools: Readonly<Record<string, string>> = {
  sim: 'sim/main.js',
  jepsen: '../jepsen-lite/main.js',
  crash: 'crash/main.js',
  mutants: 'mutants/main.js',
  nightly: 'nightly/main.js',
  bench: 'bench/main.js',
  diff: 'differential/main.js',
  h2spec: 'h2spec/main.js',
  interop: 'interop/main.js',
  'fuzz:grpc': 'grpc/fuzz/main.js',
};

describe('the tools', function () {
  this.timeout(60_000);

  for (const [name, path] of Object.entries(tools)) {
    it(`npm run ${name} -- --help says how it is called, and does nothing`, () => {
      const file = fileURLToPath(new URL(path, import.meta.url));
      const help = spawnSync(process.execPath, [file, '--help'], { encoding: 'utf8' });
      assert.match(help.stdout, new RegExp(`^usage: npm run ${name} -- `));
      assert.deepEqual([help.status, help.stderr], [0, '']);
      const short = spawnSync(process.execPath, [file, '-h'], { encoding: 'utf8' });
      assert.equal(short.stdout, help.stdout);
    });
  }
});
