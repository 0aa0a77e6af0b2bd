import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom, type Random } from '../../src/base/random.ts';
import { MemberClient } from '../client/member-client.ts';
import type { Request } from '../client/requests.ts';
import type { Endpoint, Json, Operation, WorkloadContext } from '../types.ts';

/** Workers: each runs a client of one member, one operation after the other, until the time is over. */

/** After an error, so that a member that is down is not asked thousands of times a second. */
const errorPauseMs = 50;

/** What a client asks while another question of it is open goes as a process of its own, from here on. */
const besideProcesses = 500_000;

/** Processes of watches and other onlookers begin here: they have no operations of their own. */
export const onlookerProcesses = 1_000_000;

export class Worker {
  readonly random: Random;
  readonly endpoint: Endpoint;
  private readonly context: WorkloadContext;
  private readonly workers: number;
  private processNow: number;
  private current: MemberClient;
  private serial = 0;
  private besideNow: number;

  constructor(context: WorkloadContext, number: number, workers: number) {
    const endpoint = context.endpoints[number % context.endpoints.length];
    if (endpoint === undefined) throw new Error('a workload without members');
    this.context = context;
    this.endpoint = endpoint;
    this.workers = workers;
    this.processNow = number;
    this.besideNow = besideProcesses + number;
    this.random = seededRandom(context.seed * 7919 + number);
    this.current = new MemberClient(endpoint);
  }

  get process(): number {
    return this.processNow;
  }

  get client(): MemberClient {
    return this.current;
  }

  get isOver(): boolean {
    return this.context.signal.aborted;
  }

  /** A value that nobody else ever writes. */
  uniqueValue(): string {
    return `${this.process}-${this.serial++}`;
  }

  /** Whoever asked an operation that ended in doubt is gone: another process, on a new connection, takes over. */
  async record(f: string, input: Json, run: () => Promise<Json>): Promise<Operation> {
    const { member } = this.endpoint;
    const invocation = { process: this.process, member, f, input };
    const operation = await this.context.recorder.record(invocation, run);
    if (operation.outcome === 'info') {
      this.processNow += this.workers;
      this.current.close();
      this.current = new MemberClient(this.endpoint);
    }
    if (operation.outcome !== 'ok') await this.pause(errorPauseMs);
    return operation;
  }

  /** Asks something while another question of this client is open; one at a time. */
  async recordBeside(f: string, input: Json, run: () => Promise<Json>): Promise<Operation> {
    const invocation = { process: this.besideNow, member: this.endpoint.member, f, input };
    const operation = await this.context.recorder.record(invocation, run);
    if (operation.outcome === 'info') this.besideNow += this.workers;
    return operation;
  }

  /** Asks the key-value store. */
  async kv(f: string, request: Request): Promise<Operation> {
    return this.record(f, request, () => this.client.kv(request));
  }

  /** Ends early when the time is over, or when what is awaited meanwhile has come. */
  async pause(ms: number, meanwhile?: Promise<unknown>): Promise<void> {
    const { signal } = this.context;
    const slept = sleep(ms, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    await (meanwhile === undefined ? slept : Promise.race([slept, meanwhile]));
  }

  close(): void {
    this.current.close();
  }
}

export interface WorkersSettings {
  readonly workers: number;
  /** The mean pause between two operations of a worker. */
  readonly paceMs: number;
}

/**
 * Runs `step` over and over in each worker. `read` is for one worker more at each member, which only reads: whoever
 * also writes is stuck with a write as soon as its member is cut off, and sees nothing of what that member then
 * answers to others.
 */
export async function runWorkers(
  context: WorkloadContext,
  { workers, paceMs }: WorkersSettings,
  step: (worker: Worker) => Promise<void>,
  read?: (worker: Worker) => Promise<void>,
): Promise<void> {
  const count = workers + (read === undefined ? 0 : context.endpoints.length);
  setMaxListeners(2 * count + 10, context.signal);
  const run = async (_: unknown, number: number): Promise<void> => {
    const worker = new Worker(context, number, count);
    const next = number < workers ? step : (read ?? step);
    while (!worker.isOver) {
      await next(worker);
      await worker.pause(worker.random.below(2 * paceMs + 1));
    }
    worker.close();
  };
  await Promise.all(Array.from({ length: count }, run));
}

/** For the end of a test: asks each member in turn until one answers, each try an operation of its own. */
export async function recordUntilOk(
  context: WorkloadContext,
  f: string,
  request: Request,
): Promise<Operation | undefined> {
  for (let round = 0; round < finalRounds; round++) {
    for (const endpoint of context.endpoints) {
      const client = new MemberClient(endpoint);
      const process = onlookerProcesses - 1 - round;
      const invocation = { process, member: endpoint.member, f, input: request };
      const operation = await context.recorder.record(invocation, () => client.kv(request));
      client.close();
      if (operation.outcome === 'ok') return operation;
    }
    await sleep(finalPauseMs);
  }
  return undefined;
}

const finalRounds = 10;
const finalPauseMs = 500;
