import { setTimeout as sleep } from 'node:timers/promises';
import { codeUnavailable } from '../members/client.ts';
import { describeOperation } from './describe.ts';
import { call, type Operation } from './operation.ts';
import type { AnswerPair, PairSettings } from './pair.ts';
import { Performer, type Performed } from './performer.ts';
import { OperationStream } from './stream.ts';
import { World } from './world.ts';

export interface RunSettings extends PairSettings {
  readonly seed: number;
  readonly operations: number;
  /** The subject is killed and started again each time so many operations are done; 0: never. */
  readonly restartEvery: number;
  /** The run stops after this many. */
  readonly differencesMax: number;
  readonly onProgress: (done: number) => void;
  readonly onDifference: (difference: Difference) => void;
}

export interface Difference extends AnswerPair {
  /** The number of the operation in the stream, from 0. */
  readonly index: number;
  readonly operation: Operation;
  readonly what: string;
}

export interface RunResult {
  readonly asked: number;
  readonly differences: readonly Difference[];
  /** All operations in the order in which they were sent. */
  readonly operations: readonly Operation[];
  /** How much the reference told on its watch streams. */
  readonly tally: string;
}

/** How many revisions HashKV is compared at when the stream is over. */
const finalHashes = 8;

/** How long the end of a process may come after the break of its connections. */
const endNoticedMs = 500;

function isUnavailable({ reference, subject }: AnswerPair): boolean {
  return [reference, subject].some((answer) => !answer.ok && answer.code === codeUnavailable);
}

/** Sends the stream of one seed to both servers and compares every answer. */
export async function runDifferential(settings: RunSettings): Promise<RunResult> {
  const world = new World();
  const performer = await Performer.start(settings, (lease) => world.expiryMs(lease));
  try {
    return await new Run(performer, world, settings).toTheEnd();
  } finally {
    await performer.destroy();
  }
}

class Run {
  readonly #performer: Performer;
  readonly #settings: RunSettings;
  readonly #world: World;
  readonly #operations: Operation[] = [];
  readonly #differences: Difference[] = [];

  constructor(performer: Performer, world: World, settings: RunSettings) {
    this.#performer = performer;
    this.#world = world;
    this.#settings = settings;
  }

  async toTheEnd(): Promise<RunResult> {
    const { seed, operations, restartEvery } = this.#settings;
    const stream = new OperationStream(seed, this.#world);
    let nextRestart = restartEvery > 0 ? restartEvery : Infinity;
    while (this.#operations.length < operations && !this.#isOver) {
      if (this.#operations.length >= nextRestart && stream.mayPause) {
        nextRestart += restartEvery;
        this.#compared({ kind: 'settle' }, await this.#performer.restart());
        this.#world.forgetHashes();
      }
      await this.#ask(stream.nextGroup(operations - this.#operations.length));
    }
    for (const operation of stream.finale()) {
      if (!this.#isOver) await this.#ask([operation]);
    }
    if (!this.#isOver) await this.#compareHashes();
    if (!this.#isOver) {
      const { revision } = this.#world;
      this.#compared({ kind: 'settle' }, await this.#performer.awaitNotifications(revision));
    }
    return {
      asked: this.#operations.length,
      differences: this.#differences,
      operations: this.#operations,
      tally: this.#performer.describeTally(),
    };
  }

  get #isOver(): boolean {
    return this.#differences.length >= this.#settings.differencesMax;
  }

  async #ask(group: readonly Operation[]): Promise<void> {
    const answers = await Promise.all(group.map((operation) => this.#performer.perform(operation)));
    for (const [i, operation] of group.entries())
      this.#compared(operation, answers[i] as Performed);
    if (answers.some(isUnavailable)) await this.#mustBeAlive(group);
    this.#settings.onProgress(this.#operations.length);
  }

  #compared(operation: Operation, { what, ...answers }: Performed): void {
    const index = this.#operations.length;
    this.#operations.push(operation);
    if (what !== undefined) this.#note({ index, operation, what, ...answers });
    this.#world.learn(operation, answers.reference);
  }

  /** @throws when a server ended, which is no answer to anything. */
  async #mustBeAlive(group: readonly Operation[]): Promise<void> {
    await sleep(endNoticedMs);
    const dead = this.#performer.describeDead();
    if (dead === undefined) return;
    const asked = group.map(describeOperation).join('\n');
    throw new Error(`a server ended under one of\n${asked}\n${dead}`);
  }

  #note(found: Difference): void {
    if (this.#isOver) return;
    this.#differences.push(found);
    this.#settings.onDifference(found);
  }

  #compactable(revision: number): number {
    return Number(this.#world.compactable(String(revision)));
  }

  /** Two last physical compactions, so that both stores are settled, then hashes across what is left. */
  async #compareHashes(): Promise<void> {
    const { revision, compacted } = this.#world;
    const middle = this.#compactable(Math.floor((compacted + revision) / 2));
    const next = this.#compactable(middle + 1);
    await this.#ask([call('Maintenance.HashKV', {})]);
    for (const at of [middle, next]) {
      await this.#ask([call('KV.Compact', { revision: String(at), physical: true })]);
    }
    for (let i = 0; i <= finalHashes; i++) {
      const at = next + Math.floor(((revision - next) * i) / finalHashes);
      await this.#ask([call('Maintenance.HashKV', { revision: String(at) })]);
    }
    await this.#ask([call('KV.Range', { key: Buffer.from('\0'), range_end: Buffer.from('\0') })]);
  }
}
