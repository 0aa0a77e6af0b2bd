import assert from 'node:assert/strict';
import { decodeWitness, describeLoss, encodeSlot } from '../../src/storage/tail-witness.ts';
import type { MemoryDisk } from '../../src/storage/memory-disk.ts';
import type { DiskOperation } from '../../src/storage/memory-operation.ts';
import { MemoryDisk as Disk } from '../../src/storage/memory-disk.ts';
import { ManualScheduler, appended, entriesOf, entry, fixtureOn } from './support.ts';
import type { DataDir } from '../../src/storage/types.ts';

const state = { hardTerm: 5, vote: 2n ** 64n - 1n, lastTerm: 4, lastIndex: 2 ** 40 };

describe('The tail witness', () => {
  it('is the newer of two slots', () => {
    const file = new Uint8Array(8192);
    file.set(encodeSlot(state, 7), 0);
    file.set(encodeSlot({ ...state, lastIndex: 9 }, 8), 4096);
    assert.deepEqual(decodeWitness(file)?.state, { ...state, lastIndex: 9 });
  });

  it('survives a torn slot by the other one', () => {
    const file = new Uint8Array(8192);
    file.set(encodeSlot(state, 7), 0);
    const torn = encodeSlot({ ...state, lastIndex: 9 }, 8);
    for (let length = 0; length < torn.length; length++) {
      file.fill(0, 4096);
      file.set(torn.subarray(0, length), 4096);
      assert.deepEqual(decodeWitness(file)?.state, state, `torn after ${length} bytes`);
    }
    file[3] = 1;
    assert.equal(decodeWitness(file.subarray(0, 4096)), undefined);
    assert.equal(decodeWitness(new Uint8Array(0)), undefined);
  });

  it('proves a shorter log, another entry, an older term, a lost vote; and nothing else', () => {
    const log = {
      hardTerm: 5,
      vote: 3n,
      lastIndex: 10,
      term: (index: number) => (index <= 10 && index > 5 ? 4 : undefined),
    };
    const witness = { hardTerm: 5, vote: 3n, lastTerm: 4, lastIndex: 10 };
    assert.equal(describeLoss(witness, log), undefined);
    assert.equal(describeLoss({ ...witness, lastIndex: 8 }, log), undefined, 'the log is ahead');
    assert.equal(describeLoss({ ...witness, hardTerm: 4, vote: 9n }, log), undefined);
    assert.equal(
      describeLoss({ ...witness, lastIndex: 3, lastTerm: 1 }, log),
      undefined,
      'compacted',
    );
    assert.equal(describeLoss({ ...witness, vote: 0n }, log), undefined, 'voted since');
    assert.match(describeLoss({ ...witness, lastIndex: 11 }, log) ?? '', /ends at index 10/);
    assert.match(describeLoss({ ...witness, lastTerm: 3 }, log) ?? '', /one of term 3 was written/);
    assert.match(describeLoss({ ...witness, hardTerm: 6 }, log) ?? '', /has been in term 6/);
    assert.match(describeLoss({ ...witness, vote: 8n }, log) ?? '', /vote in term 5/);
  });

  describe('beside a log', () => {
    let disk: MemoryDisk;
    let ticks: ManualScheduler;
    let dataDir: DataDir;
    const path = '/data/member/witness-000001';

    beforeEach(async () => {
      disk = new Disk();
      ticks = new ManualScheduler();
      const fixture = fixtureOn(disk, '/data/member', ticks);
      await fixture.create();
      dataDir = await fixture.open();
    });

    const witnessed = (): number | undefined =>
      decodeWitness(disk.fs.readFile(path) ?? new Uint8Array())?.state.lastIndex;
    const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

    it('follows an append within 100 ms, and does not hold it up', async () => {
      await appended(dataDir.log, entriesOf(1, 5, 1));
      assert.equal(witnessed(), 0);
      ticks.advance(99);
      await appended(dataDir.log, [entry(6, 1)]);
      await settle();
      assert.equal(witnessed(), 0);
      ticks.advance(1);
      await settle();
      assert.equal(witnessed(), 6);
    });

    it('is there before a vote or a new term is acknowledged', async () => {
      await appended(dataDir.log, [], { term: 2, vote: 4n, commit: 0 });
      const found = decodeWitness(disk.fs.readFile(path) ?? new Uint8Array());
      assert.deepEqual([found?.state.hardTerm, found?.state.vote], [2, 4n]);
    });

    it('is lowered before a suffix is removed, and not raised while that is under way', async () => {
      await appended(dataDir.log, entriesOf(1, 9, 1), { term: 2, vote: 0n, commit: 0 });
      assert.equal(witnessed(), 9);
      const held: DiskOperation[] = [];
      disk.schedule = (operation) => {
        if (operation.kind === 'batch') held.push(operation);
        else queueMicrotask(() => operation.complete());
      };
      const appending = appended(dataDir.log, [entry(4, 2)]);
      await settle();
      assert.equal(witnessed(), 3);
      ticks.advance(1000);
      await settle();
      assert.equal(witnessed(), 3);
      held[0]?.complete();
      await appending;
      ticks.advance(100);
      await settle();
      assert.equal(witnessed(), 4);
    });

    it('that was behind is not raised to a suffix that is being removed', async () => {
      await appended(dataDir.log, [], { term: 2, vote: 0n, commit: 0 });
      await appended(dataDir.log, entriesOf(1, 9, 1));
      const held: DiskOperation[] = [];
      disk.schedule = (operation) => {
        if (operation.kind === 'batch') held.push(operation);
        else queueMicrotask(() => operation.complete());
      };
      const appending = appended(dataDir.log, [entry(4, 2)]);
      ticks.advance(1000);
      await settle();
      assert.equal(witnessed(), 0);
      held[0]?.complete();
      await appending;
      ticks.advance(100);
      await settle();
      assert.equal(witnessed(), 4);
    });
  });
});
