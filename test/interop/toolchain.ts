import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { guarded } from '../members/member.ts';
import { repositoryRoot } from '../members/programs.ts';

/**
 * What the interop tests need besides Node: programs built from the Go module proxy, a Python with etcd3, and
 * programs on the clients of crates.io and Maven Central. A missing toolchain is a failure where CI=true and a
 * skip, said aloud, elsewhere.
 */

const interopFolder = join(repositoryRoot, 'test/interop');
const h2specFolder = join(repositoryRoot, 'test/h2spec');

/** name of the executable -> Go package, and the folder of the module whose go.mod pins its version. */
const goPrograms = {
  etcd: { package: 'go.etcd.io/etcd/server/v3', module: interopFolder },
  etcdctl: { package: 'go.etcd.io/etcd/etcdctl/v3', module: interopFolder },
  clientv3: { package: './clientv3', module: interopFolder },
  h2spec: { package: 'github.com/summerwind/h2spec/cmd/h2spec', module: h2specFolder },
} as const;

export type GoProgram = keyof typeof goPrograms;

export const goProgramPath = (name: GoProgram): string =>
  join(goPrograms[name].module, 'bin', name);

/** Builds the real etcd if need be. False: it cannot be had here, and that was said. */
export function ensureEtcd(): Promise<boolean> {
  return ensureGoPrograms(['etcd']);
}

export async function ensureGoPrograms(names: readonly GoProgram[]): Promise<boolean> {
  const stale = names.filter(isStale);
  if (stale.length === 0) return true;
  if (!(await answers('go', ['version']))) return missing('go');
  for (const name of stale) {
    const { package: source, module } = goPrograms[name];
    console.log(`building ${name} from ${source} (over a minute when nothing is cached)`);
    await mustRun('go', ['build', '-o', goProgramPath(name), source], module);
  }
  return true;
}

function isStale(name: GoProgram): boolean {
  const sources = name === 'clientv3' ? ['go.mod', 'go.sum', 'clientv3'] : ['go.mod', 'go.sum'];
  return isOlder(goProgramPath(name), goPrograms[name].module, sources);
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

const pythonFolder = join(interopFolder, 'python');

/** The Python with etcd3 installed; undefined: it cannot be had here, and that was said. */
export async function ensurePython(): Promise<string | undefined> {
  return (await ensureVenv(pythonFolder)) ? venvPython(pythonFolder) : undefined;
}

const venvPython = (folder: string): string => join(folder, '.venv/bin/python');

/** A virtual environment in `folder` with what its requirements.txt lists. */
async function ensureVenv(folder: string): Promise<boolean> {
  const python = venvPython(folder);
  const mark = join(folder, '.venv/installed');
  const requirements = join(folder, 'requirements.txt');
  if (modifiedMs(mark) > modifiedMs(requirements) && existsSync(python)) return true;
  if (!(await answers('python3', ['-c', 'import venv, ensurepip']))) {
    return missing('python3 with venv and pip');
  }
  await mustRun('python3', ['-m', 'venv', '--clear', join(folder, '.venv')], interopFolder);
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  await mustRun(python, [...install, '-r', requirements], interopFolder);
  await mustRun('touch', [mark], interopFolder);
  return true;
}

const rustFolder = join(interopFolder, 'rust');

/** The program on etcd-client; undefined: it cannot be had here, and that was said. */
export async function ensureRustProgram(): Promise<string | undefined> {
  const program = join(rustFolder, 'target/debug/suite');
  if (!isOlder(program, rustFolder, ['Cargo.toml', 'src'])) return program;
  if (!(await answers('cargo', ['--version']))) {
    missing('cargo');
    return undefined;
  }
  // The client's build wants a protobuf compiler, and PyPI's comes without root.
  if (!(await ensureVenv(rustFolder))) return undefined;
  await mustRun('cargo', ['build', '--quiet'], rustFolder, { PROTOC: join(rustFolder, 'protoc') });
  return program;
}

const javaFolder = join(interopFolder, 'java');

/** The command that runs the program on jetcd; undefined: it cannot be had here, and that was said. */
export async function ensureJavaProgram(): Promise<readonly string[] | undefined> {
  const classes = join(javaFolder, 'target/classes');
  const command = ['java', '-cp', `${classes}:${join(javaFolder, 'target/lib/*')}`, 'interop.Main'];
  const mark = join(javaFolder, 'target/built');
  if (!isOlder(mark, javaFolder, ['pom.xml', 'src/interop'])) return command;
  if (!(await answers('mvn', ['--version'])) || !(await answers('javac', ['-version']))) {
    missing('a JDK with Maven');
    return undefined;
  }
  const goals = ['compiler:compile', 'dependency:copy-dependencies'];
  await mustRun('mvn', ['--quiet', '--batch-mode', ...goals], javaFolder);
  await mustRun('touch', [mark], javaFolder);
  return command;
}

/** Whether `built` is older than one of those files, or than a file in one of those folders. */
function isOlder(built: string, folder: string, sources: readonly string[]): boolean {
  const builtMs = modifiedMs(built);
  const paths = sources.map((source) => join(folder, source));
  const inFolders = paths
    .filter((path) => statSync(path).isDirectory())
    .flatMap((path) => readdirSync(path).map((file) => join(path, file)));
  return [...paths, ...inFolders].some((path) => modifiedMs(path) > builtMs);
}

/** @throws where CI=true; elsewhere says what is skipped and answers false. */
function missing(toolchain: string): false {
  if (process.env['CI'] === 'true') throw new Error(`CI needs ${toolchain}, which is not there`);
  console.log(`SKIPPED: ${toolchain} is not there`);
  return false;
}

async function answers(command: string, args: readonly string[]): Promise<boolean> {
  return (await run(command, args, { cwd: interopFolder })).code === 0;
}

/** `environment`: further variables. What the command prints is shown when it fails. */
async function mustRun(
  command: string,
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const env = { ...process.env, ...environment };
  const { code, printed } = await run(command, args, { cwd, env });
  if (code === 0) return;
  throw new Error(`${command} ${args.join(' ')} failed with code ${code}:\n${printed}`);
}

/** Whether clusters under test run at the same time, which a build must not slow down. */
let isInBackground = false;
const backgroundPriority = 19;

/** From now on what is built has the lowest priority. */
export function buildInBackground(): void {
  isInBackground = true;
}

interface Ended {
  readonly code: number;
  /** The end of what it printed. */
  readonly printed: string;
}

const printedCharsMax = 8_000;

function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Ended> {
  return new Promise((resolve) => {
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const child = guarded(spawn(command, args, { ...options, stdio: [...stdio] }));
    if (isInBackground && child.pid !== undefined) setPriority(child.pid, backgroundPriority);
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        printed = (printed + text).slice(-printedCharsMax);
      });
    }
    child.once('error', (error) => resolve({ code: 127, printed: String(error) }));
    child.once('close', (code) => resolve({ code: code ?? 1, printed }));
  });
}
