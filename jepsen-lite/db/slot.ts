import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Member, type ExitStatus } from '../../test/members/member.ts';
import type { Program } from '../../test/members/programs.ts';
import { commonFlags, type Db } from './types.ts';

export interface SlotOptions {
  readonly db: Db;
  readonly name: string;
  readonly clientPort: number;
  /** Where it listens, and where the others reach it through its proxy. */
  readonly peerPort: number;
  readonly proxyPort: number;
  readonly dataFolder: string;
  readonly logFile: string;
  /** A member without data moves in. */
  readonly onNewLife: (slot: Slot) => void;
  /** It ended and nobody had ended it. */
  readonly onUnexpectedExit: (name: string, status: ExitStatus) => void;
}

export interface Preload {
  readonly libraries: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Longer than any test: a process is waited for until it ends. */
const exitTimeoutMs = 2 ** 31 - 1;

/** A place in the cluster with name and ports of its own; one member at a time lives there. */
export class Slot {
  readonly options: SlotOptions;
  /** Whether it belongs to the cluster, as far as was asked for. */
  isMember = false;
  isPaused = false;
  /** Resolves when a member that joined a running cluster serves, or has failed to: the log says why. */
  joined: Promise<void> = Promise.resolve();
  #member: Member | undefined;
  #isEndExpected = false;
  #mayEnd = false;
  #lives = 0;
  /** Stretches of the log, in bytes, in which a failure is the right thing to tell. */
  readonly #excused: { readonly from: number; to: number }[] = [];

  constructor(options: SlotOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.name;
  }

  get dataDir(): string {
    return join(this.options.dataFolder, this.name);
  }

  get advertisedPeerUrl(): string {
    return `http://127.0.0.1:${this.options.proxyPort}`;
  }

  get target(): string {
    return `127.0.0.1:${this.options.clientPort}`;
  }

  get pid(): number | undefined {
    return this.#member?.pid;
  }

  get isRunning(): boolean {
    return this.#member?.isRunning ?? false;
  }

  get tail(): string {
    return this.#member?.tail ?? '';
  }

  /** How much its members have logged so far. */
  get logBytes(): number {
    return statSync(this.options.logFile, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** What they have logged since there were so many bytes. */
  logSince(bytes: number): string {
    const { logFile } = this.options;
    return existsSync(logFile) ? readFileSync(logFile).subarray(bytes).toString() : '';
  }

  /** A member moves in that has no data yet. */
  prepare(initialCluster: string, state: 'new' | 'existing'): void {
    const { db, clientPort, peerPort, proxyPort, logFile } = this.options;
    this.#setOldDataAside();
    this.isMember = true;
    this.#member = new Member({
      program: db.program,
      name: this.name,
      dataDir: this.dataDir,
      logFile,
      clientPort,
      peerPort,
      advertisedPeerPort: proxyPort,
      initialCluster,
      flags: [...commonFlags, ...db.flags, `--initial-cluster-state=${state}`],
    });
  }

  /** Those who look into a failure may want them. */
  #setOldDataAside(): void {
    this.#lives += 1;
    if (existsSync(this.dataDir)) {
      renameSync(this.dataDir, `${this.dataDir}.life-${this.#lives - 1}`);
    }
    this.options.onNewLife(this);
    mkdirSync(this.options.dataFolder, { recursive: true });
  }

  /** Starts the process; `preload` says what it is to load before the C library. */
  launch(preload?: Preload): void {
    const member = this.#mustBePrepared();
    member.becomes(withPreload(this.options.db.program, preload));
    this.#isEndExpected = false;
    this.isPaused = false;
    member.launch();
    void member.exited(exitTimeoutMs).then((status) => {
      if (!this.#isEndExpected && !this.#mayEnd) this.options.onUnexpectedExit(this.name, status);
    });
  }

  async kill(): Promise<void> {
    if (this.isRunning) this.#mark('killed', 'SIGKILL');
    this.#isEndExpected = true;
    await this.#member?.kill();
  }

  /** SIGTERM, and kill -9 when that does not end it in time. Answers how it ended; undefined: it had ended before. */
  async stop(timeoutMs: number): Promise<ExitStatus | undefined> {
    const member = this.#member;
    if (member === undefined || !member.isRunning) return undefined;
    this.#isEndExpected = true;
    await member.stop(timeoutMs);
    return member.exited();
  }

  /** It was removed, and ends by itself. */
  expectEnd(): void {
    this.#isEndExpected = true;
  }

  /** Until `forbidEnd` a fault is in place under which the member may say that it fails, and end. */
  allowEnd(): void {
    this.#mayEnd = true;
    this.#excused.push({ from: this.logBytes, to: Number.POSITIVE_INFINITY });
  }

  forbidEnd(): void {
    this.#mayEnd = false;
    const last = this.#excused.at(-1);
    if (last !== undefined) last.to = this.logBytes;
  }

  isExcused(logOffset: number): boolean {
    return this.#excused.some(({ from, to }) => logOffset >= from && logOffset <= to);
  }

  /** Resolves when its process has ended. */
  async ended(): Promise<void> {
    await this.#member?.exited(exitTimeoutMs);
  }

  pause(): void {
    this.#mark('stopped', 'SIGSTOP');
    this.isPaused = true;
    this.#member?.pause();
  }

  resume(): void {
    this.#mark('resumed', 'SIGCONT');
    this.isPaused = false;
    this.#member?.resume();
  }

  ready(): Promise<void> {
    return this.#mustBePrepared().ready();
  }

  /** A log ends, or stands still, without a word: whoever reads it is told why. */
  #mark(what: string, signal: string): void {
    const { logFile } = this.options;
    if (!existsSync(logFile)) return;
    const at = new Date().toISOString();
    appendFileSync(logFile, `\n--- ${what} by the test (${signal}) at ${at} ---\n`);
  }

  #mustBePrepared(): Member {
    if (this.#member === undefined) throw new Error(`nobody lives in ${this.name}`);
    return this.#member;
  }
}

/** `env` becomes the program itself, so that the process id stays the member's. */
function withPreload(program: Program, preload: Preload | undefined): Program {
  if (preload === undefined || preload.libraries.length === 0) return program;
  const variables = { LD_PRELOAD: preload.libraries.join(':'), ...preload.environment };
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return { ...program, command: ['/usr/bin/env', ...assignments, ...program.command] };
}
