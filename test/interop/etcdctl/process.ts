import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { guarded } from '../../members/member.ts';
import { goProgramPath } from '../toolchain.ts';
import type { Output } from './output.ts';

/** How long a command may go on that ends by itself. */
const commandTimeoutMs = 30_000;
/** How long one that stays may take to print what is waited for. */
const showTimeoutMs = 20_000;
/** No more output for this long: what belonged to one answer is printed. */
const quietMs = 50;

export interface EtcdctlOptions {
  /** Standard input, closed after it; without it, it is closed at once. */
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs etcdctl to its end; one that does not end in time is killed, and its exit code is null. */
export function etcdctl(
  endpoints: string,
  args: readonly string[],
  options: EtcdctlOptions = {},
): Promise<Output> {
  const running = new RunningEtcdctl(endpoints, args, options.environment);
  running.write(options.input ?? '');
  running.closeInput();
  return running.ended(commandTimeoutMs);
}

/** An etcdctl that stays: a watch, a lock held, a campaign, a lease kept alive. */
export class RunningEtcdctl {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #stdout: Buffer[] = [];
  readonly #closed: Promise<number | null>;
  #stderr = '';
  #shownBytes = 0;
  #seenBytes = 0;
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(
    endpoints: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.#child = guarded(
      spawn(goProgramPath('etcdctl'), [`--endpoints=${endpoints}`, ...args], {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, ...environment },
      }),
    );
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#stdout.push(chunk);
      this.#shownBytes += chunk.length;
      this.#wake();
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#shownBytes += text.length;
      this.#wake();
    });
    this.#child.stdin.on('error', () => this.#child.stdin.destroy());
    this.#closed = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => {
        this.#isClosed = true;
        this.#wake();
        resolve(code);
      });
    });
  }

  get output(): Output {
    return { code: null, stdout: Buffer.concat(this.#stdout), stderr: this.#stderr };
  }

  write(text: string): void {
    if (text !== '') this.#child.stdin.write(text);
  }

  closeInput(): void {
    this.#child.stdin.end();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits for output that has not been waited for yet, and for the pause after it. */
  async shows(): Promise<void> {
    await this.#until(() => this.#shownBytes > this.#seenBytes, 'anything more');
    await this.#quiet();
  }

  /** Waits until that text is among the standard output. */
  async showsText(text: string): Promise<void> {
    await this.#until(() => this.output.stdout.includes(text), JSON.stringify(text));
    await this.#quiet();
  }

  async #quiet(): Promise<void> {
    do {
      this.#seenBytes = this.#shownBytes;
      await this.#nextOutput(quietMs);
    } while (this.#shownBytes > this.#seenBytes);
  }

  async #until(isThere: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + showTimeoutMs;
    while (!isThere()) {
      const leftMs = deadline - performance.now();
      const { stdout, stderr } = this.output;
      if (leftMs <= 0) throw new Error(`etcdctl did not print ${what}, but ${stdout}${stderr}`);
      if (this.#isClosed) throw new Error(`etcdctl ended before ${what}: ${stdout}${stderr}`);
      await this.#nextOutput(leftMs);
    }
  }

  #nextOutput(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async ended(timeoutMs = showTimeoutMs): Promise<Output> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    const code = await this.#closed;
    clearTimeout(timer);
    return { ...this.output, code };
  }
}
