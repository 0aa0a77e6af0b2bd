import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync, rmSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import type { Program } from './programs.ts';

/** How one member is started; URLs are built from the ports, all on the loopback interface. */
export interface MemberSettings {
  readonly program: Program;
  readonly name: string;
  readonly dataDir: string;
  /** Where everything that the process prints is appended. */
  readonly logFile: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** Where the others reach it, when that is not where it listens: the port of a proxy. */
  readonly advertisedPeerPort?: number;
  /** `name=url,...` of all first members. */
  readonly initialCluster: string;
  /** Further flags, such as `--election-timeout=500`. */
  readonly flags: readonly string[];
  /** Variables such as `ETCD_INITIAL_CLUSTER`; the flag of the same meaning is then left out. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What etcd and this project's server print once a member serves, and not before. */
const readyText = 'ready to serve client requests';
const readyTimeoutMs = 60_000;
const stopTimeoutMs = 15_000;
/** How much of the newest output an error message quotes. */
const tailCharsMax = 4_000;

/** Child processes that must not outlive this one, however it ends, and folders that go with them. */
const running = new Set<ChildProcess>();
const folders = new Set<string>();
let isGuarded = false;

function guardAgainstOrphans(): void {
  if (isGuarded) return;
  isGuarded = true;
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
    for (const folder of folders) removeFolder(folder);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(130));
  }
}

/** Registers a folder to be removed when this process ends at the latest; answers how to do it sooner. */
export function guardedFolder(folder: string): () => void {
  guardAgainstOrphans();
  folders.add(folder);
  return () => {
    folders.delete(folder);
    removeFolder(folder);
  };
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Registers a child to be killed when this process ends; answers the child. */
export function guarded<Child extends ChildProcess>(child: Child): Child {
  guardAgainstOrphans();
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** One server process at a time over one data dir: may be killed and started again. */
export class Member {
  readonly settings: MemberSettings;
  readonly #log: WriteStream;
  #program: Program;
  #child: ChildProcess | undefined;
  #exited: Promise<ExitStatus> = Promise.resolve({ code: null, signal: null });
  #isReady = false;
  #tail = '';
  #waiters: (() => void)[] = [];

  constructor(settings: MemberSettings) {
    this.settings = settings;
    this.#program = settings.program;
    mkdirSync(dirname(settings.logFile), { recursive: true });
    this.#log = createWriteStream(settings.logFile, { flags: 'a' });
  }

  get name(): string {
    return this.settings.name;
  }

  /** host:port of the client listener. */
  get target(): string {
    return `127.0.0.1:${this.settings.clientPort}`;
  }

  get clientUrl(): string {
    return `http://${this.target}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** The newest output of the process, for error messages. */
  get tail(): string {
    return this.#tail;
  }

  /** From its next start on it runs another program, as in a rolling change. */
  becomes(program: Program): void {
    this.#program = program;
  }

  /** Starts the process; does not wait for it to be ready (a first member waits for the others). */
  launch(): void {
    if (this.#child !== undefined) throw new Error(`${this.name} runs already`);
    const [executable, ...first] = this.#program.command;
    const args = [...first, ...this.#flags()];
    const env = { ...process.env, ...this.settings.environment };
    const child = guarded(
      spawn(executable as string, args, { stdio: ['ignore', 'pipe', 'pipe'], env }),
    );
    this.#child = child;
    this.#isReady = false;
    this.#tail = '';
    for (const stream of [child.stdout, child.stderr]) this.#watchOutput(stream);
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#tail += `\n${String(error)}`;
        this.#ended();
        resolve({ code: null, signal: null });
      });
      child.once('exit', (code, signal) => {
        this.#ended();
        resolve({ code, signal });
      });
    });
  }

  #ended(): void {
    this.#child = undefined;
    this.#wake();
  }

  #watchOutput(stream: NodeJS.ReadableStream): void {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      this.#log.write(text);
      // The line may come in two chunks: look at what is kept of the older one too.
      const seen = this.#tail + text;
      if (seen.includes(readyText)) this.#isReady = true;
      this.#tail = seen.slice(-tailCharsMax);
      this.#wake();
    });
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** @throws when the process ends, or does not say that it is ready in time. */
  async ready(): Promise<void> {
    const deadline = performance.now() + readyTimeoutMs;
    while (!this.#isReady) {
      if (this.#child === undefined) {
        throw new Error(`${this.name} ended before it was ready:\n${this.#tail}`);
      }
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`${this.name} is not ready in time:\n${this.#tail}`);
      await this.#nextOutput(leftMs);
    }
  }

  #nextOutput(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Starts the process and waits until it serves. */
  async start(): Promise<void> {
    this.launch();
    await this.ready();
  }

  /** Waits for the process to end by itself, as one that refuses to start does. */
  async exited(timeoutMs = stopTimeoutMs): Promise<ExitStatus> {
    const late = Symbol('late');
    const timer = new Promise<typeof late>((resolve) => {
      setTimeout(() => resolve(late), timeoutMs).unref();
    });
    const first = await Promise.race([this.#exited, timer]);
    if (first === late) throw new Error(`${this.name} still runs:\n${this.#tail}`);
    return first as ExitStatus;
  }

  /** kill -9, and waits for the end. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGSTOP: the process stands still until `resume`, its connections stay open. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** SIGTERM; kill -9 when that does not end it in time. */
  async stop(timeoutMs = stopTimeoutMs): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    await this.#exited;
    clearTimeout(timer);
  }

  #flags(): readonly string[] {
    const { name, dataDir, peerPort, initialCluster, flags, environment = {} } = this.settings;
    const { advertisedPeerPort = peerPort } = this.settings;
    const all = [
      `--name=${name}`,
      `--data-dir=${dataDir}`,
      `--listen-client-urls=${this.clientUrl}`,
      `--advertise-client-urls=${this.clientUrl}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${advertisedPeerPort}`,
      `--initial-cluster=${initialCluster}`,
      ...flags,
    ];
    return all.filter((flag) => !(variableOf(flag) in environment));
  }
}

/** `--data-dir=x` is `ETCD_DATA_DIR` in the environment. */
function variableOf(flag: string): string {
  const name = flag.replace(/^--/, '').replace(/=.*/s, '');
  return `ETCD_${name.replaceAll('-', '_').toUpperCase()}`;
}
