// Builds when a source is newer than the last build, so that no harness judges what was there before an edit.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = ['src', 'test', 'jepsen-lite'];

function modifiedMs(path) {
  return statSync(`${root}/${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function isStale() {
  const builtMs = modifiedMs('dist/.built');
  return sources.some((folder) =>
    readdirSync(`${root}/${folder}`, { recursive: true }).some(
      (name) => /\.c?ts$/.test(name) && modifiedMs(`${folder}/${name}`) > builtMs,
    ),
  );
}

if (isStale()) {
  console.log('building what has changed');
  const { status } = spawnSync('npm', ['run', '-s', 'build'], { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
