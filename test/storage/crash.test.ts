import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { seededRandom } from '../../src/base/random.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import { inspectDataDir } from '../../src/storage/data-dir-files.ts';
import { MemoryDisk } from '../../src/storage/memory-disk.ts';
import type { DiskOperation } from '../../src/storage/memory-operation.ts';
import type { DataDir, LogBatch } from '../../src/storage/types.ts';
import type { HardState } from '../../src/raft/types.ts';
import { chunksOf, fill } from '../contract/store-image.ts';
import { hashOf, row } from '../contract/state-store.ts';
import {
  ManualScheduler,
  entriesOf,
  entry,
  firstHardState,
  fixtureOn,
  memoryFixture,
} from './support.ts';
import type { Fixture } from './support.ts';

/**
 * A power loss before every single operation on the disk: what was acknowledged is there afterwards, the step
 * that was cut off happened or did not, and an honest disk is never accused of a loss.
 */

/** What a member that opens the data dir sees. */
interface Picture {
  readonly hardState: HardState;
  /** Terms of the log's entries from `firstIndex` on. */
  readonly firstIndex: number;
  readonly terms: readonly number[];
  readonly applied: number;
  readonly hash: number;
}

async function pictureOf({ log, store }: DataDir): Promise<Picture> {
  const first = log.firstIndex();
  const terms: number[] = [];
  for (let index = first; index <= log.lastIndex(); index++) {
    const [found] = log.entries(index, index + 1, 0);
    assert.equal(found?.index, index);
    assert.equal(found.term, log.term(index));
    terms.push(found.term);
  }
  const { appliedIndex: applied } = store.state;
  return { hardState: log.hardState, firstIndex: first, terms, applied, hash: await hashOf(store) };
}

type Step = (dataDir: DataDir, done: () => void) => void;

function append(entries: LogBatch['entries'], hardState?: HardState): Step {
  return ({ log }, done) => log.append({ entries, hardState }, done);
}

function commit(appliedIndex: number, appliedTerm: number, revision: number): Step {
  return ({ store }, done) => {
    const state = { ...store.state, appliedIndex, appliedTerm, revision };
    store.commit({ state, put: [row(revision)], deleted: [], changes: [] }, done);
  };
}

function receive(chunks: readonly Bytes[]): Step {
  return (dataDir, done) => {
    const writer = dataDir.receiveImage();
    const next = (at: number): void => {
      const chunk = chunks[at];
      if (chunk !== undefined) writer.write(chunk, () => next(at + 1));
      else {
        writer.finish((refused) => {
          assert.equal(refused, undefined);
          dataDir.install(writer, { term: 3, vote: 0n, commit: 5 }, done);
        });
      }
    };
    next(0);
  };
}

function lifeOf(chunks: readonly Bytes[]): readonly Step[] {
  return [
    append(entriesOf(1, 3, 1)),
    append([], { term: 2, vote: 5n, commit: 1 }),
    append([...entriesOf(4, 6, 2)], { term: 2, vote: 5n, commit: 3 }),
    append([], { term: 3, vote: 0n, commit: 3 }),
    // A new leader replaces 4-6.
    append([entry(4, 3)], { term: 3, vote: 0n, commit: 3 }),
    append([entry(5, 3)]),
    // And again, from within what one append brought.
    append(entriesOf(6, 9, 3)),
    append([entry(8, 3)]),
    append([entry(6, 3), entry(7, 3)]),
    append([entry(5, 3)]),
    commit(3, 1, 2),
    ({ log }, done) => {
      log.compact(2);
      log.append({ entries: [entry(6, 3)], hardState: undefined }, done);
    },
    commit(5, 3, 3),
    receive(chunks),
    append([entry(16, 3)]),
    commit(16, 3, 400),
    append([], { term: 9, vote: 9n, commit: 16 }),
    // The last entry alone is replaced, when the witness has just told of it.
    append([entry(17, 9)]),
    append([], { term: 10, vote: 9n, commit: 16 }),
    append([entry(17, 10)]),
  ];
}

/** Lets `count` operations succeed and then holds the next. */
class Fuse {
  count = 0;
  held: DiskOperation | undefined;
  private readonly allowed: number;
  private blown: () => void = () => undefined;
  readonly whenBlown: Promise<void>;

  constructor(allowed: number) {
    this.allowed = allowed;
    this.whenBlown = new Promise((resolve) => {
      this.blown = resolve;
    });
  }

  schedule(operation: DiskOperation): void {
    if (this.count >= this.allowed) {
      this.held ??= operation;
      this.blown();
      return;
    }
    this.count++;
    queueMicrotask(() => operation.complete());
  }
}

describe('A power loss at every operation', () => {
  let chunks: readonly Bytes[];

  before(async () => {
    const source = memoryFixture();
    await source.create();
    const dataDir = await source.open();
    await fill(dataDir);
    chunks = await chunksOf(dataDir.store.openImage(), 4000);
    await source.end();
  });

  /** Runs the life's steps until the fuse blows; answers how many were acknowledged. */
  async function live(
    fixture: Fixture,
    disk: MemoryDisk,
    fuse: Fuse,
    ticks: ManualScheduler,
  ): Promise<number> {
    const dataDir = await fixture.open();
    const steps = lifeOf(chunks);
    let acknowledged = 0;
    disk.schedule = (operation) => fuse.schedule(operation);
    for (const step of steps) {
      const done = new Promise<true>((resolve) => step(dataDir, () => resolve(true)));
      if ((await Promise.race([done, fuse.whenBlown])) !== true) break;
      acknowledged++;
      // The witness follows.
      ticks.advance(200);
      await new Promise((resolve) => setImmediate(resolve));
      if (fuse.held !== undefined) break;
    }
    return acknowledged;
  }

  async function fresh(): Promise<[MemoryDisk, Fixture, ManualScheduler]> {
    const disk = new MemoryDisk();
    const ticks = new ManualScheduler();
    const fixture = fixtureOn(disk, '/data/member', ticks);
    await fixture.create([], firstHardState);
    return [disk, fixture, ticks];
  }

  /** What each prefix of the steps leads to. */
  async function pictures(): Promise<[Picture[], number]> {
    const all: Picture[] = [];
    const steps = lifeOf(chunks);
    let operations = 0;
    for (let count = 0; count <= steps.length; count++) {
      const [disk, fixture, ticks] = await fresh();
      const dataDir = await fixture.open();
      const fuse = new Fuse(Infinity);
      disk.schedule = (operation) => fuse.schedule(operation);
      for (const step of steps.slice(0, count)) {
        await new Promise<void>((resolve) => step(dataDir, resolve));
        ticks.advance(200);
        await new Promise((resolve) => setImmediate(resolve));
      }
      all.push(await pictureOf(dataDir));
      operations = fuse.count;
    }
    return [all, operations];
  }

  /** Compaction may be undone by a crash, and what was applied counts as committed after opening. */
  function fits(found: Picture, expected: Picture): boolean {
    const hidden = expected.firstIndex - found.firstIndex;
    const { term, vote, commit } = expected.hardState;
    const { applied } = expected;
    return (
      hidden >= 0 &&
      JSON.stringify(found.terms.slice(hidden)) === JSON.stringify(expected.terms) &&
      found.hardState.term === term &&
      found.hardState.vote === vote &&
      found.hardState.commit === Math.max(commit, applied) &&
      found.applied === applied &&
      found.hash === expected.hash
    );
  }

  for (const persists of [false, true]) {
    const when = persists ? 'after it took effect' : 'before it takes effect';
    it(`loses nothing that was acknowledged, ${when}`, async function () {
      this.timeout(60_000);
      const [expected, operations] = await pictures();
      assert.ok(operations > 50, `${operations} operations`);
      for (let at = 0; at < operations; at++) {
        const random = seededRandom(at + 1);
        const losses = [() => false, () => true, () => random.below(2) === 0];
        for (const [i, keeps] of losses.entries()) {
          const [disk, fixture, ticks] = await fresh();
          const fuse = new Fuse(at);
          const acknowledged = await live(fixture, disk, fuse, ticks);
          if (persists) fuse.held?.persist();
          disk.crash(keeps);
          const restarted = fixtureOn(disk, '/data/member', new ManualScheduler());
          const dataDir = await restarted.open();
          const found = await pictureOf(dataDir);
          const possible = [expected[acknowledged], expected[acknowledged + 1]];
          const where = `operation ${at} (${fuse.held?.kind} ${fuse.held?.path}), loss ${i}`;
          assert.ok(
            possible.some((picture) => picture !== undefined && fits(found, picture)),
            `${where}: found ${inspect(found)} after step ${acknowledged}`,
          );
          assert.equal(dataDir.provenLoss, undefined, where);
          await restarted.end();
        }
      }
    });
  }

  it('leaves a data dir that was being made either whole or to be made again', async () => {
    const [counted] = await created(Infinity, () => false, false);
    assert.ok(counted > 20, `${counted} operations`);
    for (let at = 0; at < counted; at++) {
      const random = seededRandom(at + 1);
      for (const keeps of [() => false, () => true, () => random.below(2) === 0]) {
        for (const persists of [false, true]) await created(at, keeps, persists);
      }
    }
  });

  async function created(
    at: number,
    keeps: () => boolean,
    persists: boolean,
  ): Promise<readonly [number]> {
    const disk = new MemoryDisk();
    const fixture = fixtureOn(disk, '/data/member', new ManualScheduler());
    const fuse = new Fuse(at);
    disk.schedule = (operation) => fuse.schedule(operation);
    const entries = entriesOf(1, 2, 1);
    await Promise.race([fixture.create(entries, firstHardState), fuse.whenBlown]);
    if (persists) fuse.held?.persist();
    disk.crash(keeps);
    const found = inspectDataDir(disk.fs, '/data/member');
    const where = `operation ${at} (${fuse.held?.kind} ${fuse.held?.path})`;
    assert.notEqual(found.kind, 'refused', where);
    if (found.kind !== 'ours') await fixture.create(entries, firstHardState);
    const dataDir = await fixture.open();
    assert.equal(dataDir.log.lastIndex(), 2, where);
    assert.equal(dataDir.provenLoss, undefined, where);
    await fixture.end();
    return [fuse.count];
  }
});
