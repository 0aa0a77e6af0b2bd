import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { guarded } from '../members/member.ts';
import { repositoryRoot } from '../members/programs.ts';

/**
 * What the interop tests need besides Node: programs built from the Go module proxy and a Python with etcd3.
 * A missing toolchain is a failure where CI=true and a skip, said aloud, elsewhere.
 */

const interopFolder = join(repositoryRoot, 'test/interop');
const binFolder = join(interopFolder, 'bin');

/** name of the executable -> Go package; the module's go.mod pins the versions. */
const goPrograms = {
  etcd: 'go.etcd.io/etcd/server/v3',
  etcdctl: 'go.etcd.io/etcd/etcdctl/v3',
  clientv3: './clientv3',
} as const;

export type GoProgram = keyof typeof goPrograms;

export const goProgramPath = (name: GoProgram): string => join(binFolder, name);

/** Builds the real etcd if need be. False: it cannot be had here, and that was said. */
export function ensureEtcd(): Promise<boolean> {
  return ensureGoPrograms(['etcd']);
}

export async function ensureGoPrograms(names: readonly GoProgram[]): Promise<boolean> {
  const stale = names.filter(isStale);
  if (stale.length === 0) return true;
  if (!(await answers('go', ['version']))) return missing('go');
  for (const name of stale) {
    console.log(`building ${name} from ${goPrograms[name]} (over a minute when nothing is cached)`);
    const args = ['build', '-o', goProgramPath(name), goPrograms[name]];
    await mustRun('go', args, interopFolder);
  }
  return true;
}

function isStale(name: GoProgram): boolean {
  const built = modifiedMs(goProgramPath(name));
  const clientFolder = join(interopFolder, 'clientv3');
  const sources = [join(interopFolder, 'go.mod'), join(interopFolder, 'go.sum')];
  if (name === 'clientv3') {
    for (const file of readdirSync(clientFolder)) sources.push(join(clientFolder, file));
  }
  return sources.some((source) => modifiedMs(source) > built);
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

const venvFolder = join(interopFolder, 'python/.venv');
const requirements = join(interopFolder, 'python/requirements.txt');

/** The Python with etcd3 installed; undefined: it cannot be had here, and that was said. */
export async function ensurePython(): Promise<string | undefined> {
  const python = join(venvFolder, 'bin/python');
  const isCurrent = modifiedMs(join(venvFolder, 'installed')) > modifiedMs(requirements);
  if (isCurrent && existsSync(python)) return python;
  if (!(await answers('python3', ['-c', 'import venv, ensurepip']))) {
    missing('python3 with venv and pip');
    return undefined;
  }
  console.log('installing etcd3 from PyPI into a virtual environment');
  await mustRun('python3', ['-m', 'venv', '--clear', venvFolder], interopFolder);
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  await mustRun(python, [...install, '-r', requirements], interopFolder);
  await mustRun('touch', [join(venvFolder, 'installed')], interopFolder);
  return python;
}

/** @throws where CI=true; elsewhere says what is skipped and answers false. */
function missing(toolchain: string): false {
  if (process.env['CI'] === 'true') throw new Error(`CI needs ${toolchain}, which is not there`);
  console.log(`SKIPPED: ${toolchain} is not there`);
  return false;
}

async function answers(command: string, args: readonly string[]): Promise<boolean> {
  return (await run(command, args, { cwd: interopFolder, stdio: 'ignore' })) === 0;
}

async function mustRun(command: string, args: readonly string[], cwd: string): Promise<void> {
  const code = await run(command, args, { cwd, stdio: 'inherit' });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed with code ${code}`);
}

function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly stdio: 'ignore' | 'inherit' },
): Promise<number> {
  return new Promise((resolve) => {
    const child = guarded(spawn(command, args, options));
    child.once('error', () => resolve(127));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
