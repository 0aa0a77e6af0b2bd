import type { Bytes } from '../../base/bytes.ts';
import type { Client } from '../../client/client.ts';
import type { FlagSpec, FlagValues } from './flags.ts';
import type { Environment } from './global-flags.ts';
import type { Printer } from './output.ts';
import type { ProgramEnd } from './program-end.ts';
import type { Word } from './word.ts';

/** What a verb may use while it runs. */
export interface VerbContext {
  readonly values: FlagValues;
  /** As they were given, for output. */
  readonly endpoints: readonly string[];
  /** All words of the command line, as they were given. */
  readonly words: readonly Word[];
  readonly environment: Environment;
  readonly input: Input;
  readonly printer: Printer;
  /**
   * A client of all endpoints, or of these alone; the context closes it. Throws `CtlError` for a
   * bad endpoint.
   */
  openClient(endpoints?: readonly string[]): Client;
  writeOut(bytes: Bytes): void;
  writeErr(text: string): void;
  sleep(durationMs: number): Promise<void>;
  /** Runs a program with our environment and these variables; what it writes goes where ours goes. */
  runProgram(
    words: readonly string[],
    variables: Readonly<Record<string, string>>,
  ): Promise<ProgramEnd>;
  /** Calls back at SIGINT and SIGTERM, which then do not end us. */
  onInterrupt(listener: () => void): void;
}

export interface Input {
  readAll(): Promise<Bytes>;
  /** A line without its end, or undefined where the input ends before one. */
  readLine(): Promise<string | undefined>;
}

/** One command of the control tool, such as `get` or `endpoint status`. */
export interface Verb {
  readonly name: string;
  /** Arguments and options as the usage shows them. */
  readonly usage: string;
  readonly summary: string;
  readonly flags: readonly FlagSpec[];
  /** @throws CtlError, ClientError */
  run(context: VerbContext, args: readonly Word[]): Promise<void>;
}
