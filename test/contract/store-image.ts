import assert from 'node:assert/strict';
import type { Bytes } from '../../src/base/bytes.ts';
import type { DataDir, ImageWriter, StoreImage } from '../../src/storage/types.ts';
import { appended, closed, committed, entriesOf, entry, neverDone } from '../storage/support.ts';
import type { Fixture } from '../storage/support.ts';
import { collected, hashOf, key, row, rowsOf } from './state-store.ts';

export async function chunksOf(image: StoreImage, bytesMax = 1000): Promise<Bytes[]> {
  const chunks: Bytes[] = [];
  for (;;) {
    const chunk = await new Promise<Bytes | undefined>((resolve) => image.read(bytesMax, resolve));
    if (chunk === undefined) break;
    chunks.push(chunk);
  }
  image.close();
  return chunks;
}

export async function received(
  writer: ImageWriter,
  chunks: readonly Bytes[],
): Promise<string | undefined> {
  for (const chunk of chunks) {
    await new Promise<void>((resolve) => writer.write(chunk, resolve));
  }
  return new Promise((resolve) => writer.finish(resolve));
}

const hardState = { term: 7, vote: 9n, commit: 0 };

/** Fills a member's store with rows in every space, some deleted, at applied index 15 of term 1. */
export async function fill({ log, store }: DataDir): Promise<void> {
  await appended(log, entriesOf(1, 20, 1));
  const changes = (['lease', 'auth', 'members', 'alarm'] as const).map((space, i) => ({
    space,
    key: key(i),
    value: new Uint8Array(i),
  }));
  await committed(store, { put: rowsOf(1, 300), changes });
  const confState = { ...store.state.confState, voters: [1n, 2n, 3n] };
  await committed(store, {
    state: {
      ...store.state,
      appliedIndex: 15,
      appliedTerm: 1,
      revision: 301,
      compactRevision: 40,
      confState,
    },
    deleted: rowsOf(1, 40).map((row) => row.key),
    put: [row(301, 'x'.repeat(5000))],
  });
}

/** What images of a store, and the switch to a received one, keep to on every disk. */
export function storeImageContract(name: string, makeFixture: () => Fixture): void {
  describe(`Store images on ${name}`, () => {
    let source: Fixture;
    let target: Fixture;
    let from: DataDir;
    let to: DataDir;

    beforeEach(async () => {
      [source, target] = [makeFixture(), makeFixture()];
      await source.create();
      await target.create();
      [from, to] = [await source.open(), await target.open()];
      await fill(from);
    });
    afterEach(async () => {
      await source.end();
      await target.end();
    });

    async function reopenTarget(): Promise<void> {
      await closed(to);
      to = await target.open();
    }

    function installed(writer: ImageWriter): Promise<void> {
      return new Promise((resolve) => to.install(writer, hardState, resolve));
    }

    async function assertSame(): Promise<void> {
      assert.deepEqual(to.store.state, from.store.state);
      assert.equal(await hashOf(to.store), await hashOf(from.store));
      assert.deepEqual(to.store.spaces, from.store.spaces);
      assert.deepEqual(
        await collected(to.store, key(0), undefined),
        await collected(from.store, key(0), undefined),
      );
      assert.equal(to.store.sizes.dbSizeInUse, from.store.sizes.dbSizeInUse);
      assert.equal(to.store.sizes.dbSize, to.store.sizes.dbSizeInUse, 'nothing was deleted here');
    }

    it('carry the whole store, in chunks about as large as asked for', async () => {
      const chunks = await chunksOf(from.store.openImage());
      const sizes = chunks.map((chunk) => chunk.length);
      assert.ok(sizes.filter((size) => size > 1100).length === 1, 'one row alone is larger');
      const writer = to.receiveImage();
      assert.equal(await received(writer, chunks), undefined);
      assert.deepEqual(writer.state, from.store.state);
      assert.equal(to.store.state.appliedIndex, 0, 'nothing changes before install');
      await installed(writer);
      await assertSame();
      assert.deepEqual([to.log.firstIndex(), to.log.lastIndex(), to.log.term(15)], [16, 15, 1]);
      assert.deepEqual(to.log.hardState, { ...hardState, commit: 15 });
      await reopenTarget();
      await assertSame();
      assert.equal(to.log.lastIndex(), 15);
      assert.equal(to.provenLoss, undefined);
    });

    it('show the store as it was when they were opened', async () => {
      const image = from.store.openImage();
      const hash = await hashOf(from.store);
      await committed(from.store, { put: [row(400)], deleted: [key(100)] });
      const writer = to.receiveImage();
      assert.equal(await received(writer, await chunksOf(image)), undefined);
      await installed(writer);
      assert.equal(await hashOf(to.store), hash);
    });

    it('leave a store and a log that go on', async () => {
      const writer = to.receiveImage();
      await received(writer, await chunksOf(from.store.openImage()));
      await installed(writer);
      await appended(to.log, [entry(16, 7)]);
      const state = { ...to.store.state, appliedIndex: 16, appliedTerm: 7, revision: 302 };
      await committed(to.store, { state, put: [row(302)], deleted: [key(50)] });
      await reopenTarget();
      assert.equal(to.store.state.appliedIndex, 16);
      assert.deepEqual(to.log.entries(16, 17, Infinity), [entry(16, 7)]);
      // Once more, over what was installed.
      const second = to.receiveImage();
      assert.equal(await received(second, await chunksOf(from.store.openImage())), undefined);
      await installed(second);
      await assertSame();
    });

    it('of an empty store are whole too', async () => {
      const writer = to.receiveImage();
      const other = makeFixture();
      await other.create();
      const empty = await other.open();
      assert.equal(await received(writer, await chunksOf(empty.store.openImage())), undefined);
      await other.end();
    });

    it('are refused when a chunk is damaged, missing, doubled, or the end is', async () => {
      const chunks = await chunksOf(from.store.openImage());
      const flipped = chunks.map((chunk, i) => {
        const copy = chunk.slice();
        if (i === 3) copy[50] = (copy[50] ?? 0) ^ 1;
        return copy;
      });
      const cases: readonly (readonly [Bytes[], RegExp])[] = [
        [flipped, /chunk of the image was damaged/],
        [chunks.filter((_, i) => i !== 2), /chunk 2 of the image is missing, 3 came/],
        [[...chunks.slice(0, 3), ...chunks.slice(2)], /chunk 3 of the image is missing, 2 came/],
        [chunks.slice(1), /chunk 0 of the image is missing/],
        [chunks.slice(0, -1), /incomplete/],
        [[], /incomplete/],
        [[new Uint8Array([9])], /damaged/],
      ];
      for (const [sent, reason] of cases) {
        const writer = to.receiveImage();
        assert.match((await received(writer, sent)) ?? '', reason);
        assert.throws(() => to.install(writer, hardState, () => {}));
      }
      await reopenTarget();
      assert.equal(to.store.state.appliedIndex, 0);
    });

    it('can be given up at any time by either side', async () => {
      const image = from.store.openImage();
      const chunk = await new Promise<Bytes | undefined>((resolve) => image.read(1000, resolve));
      assert.ok(chunk !== undefined);
      const before = to.receiveImage();
      before.abort();
      const during = to.receiveImage();
      assert.ok(
        await neverDone((done) => {
          during.write(chunk, done);
          during.abort();
        }),
      );
      const after = to.receiveImage();
      await new Promise<void>((resolve) => after.write(chunk, resolve));
      after.abort();
      const reading = new Promise<Bytes | undefined>((resolve) => image.read(1000, resolve));
      image.close();
      assert.equal(await reading, undefined, 'a read in progress is answered');
      assert.deepEqual(target.fatal, []);
    });

    it('end early, and are found incomplete, when their store is replaced', async () => {
      const image = from.store.openImage();
      const first = await new Promise<Bytes | undefined>((resolve) => image.read(1000, resolve));
      const replacing = from.receiveImage();
      await received(replacing, await chunksOf(from.store.openImage()));
      await new Promise<void>((resolve) => from.install(replacing, hardState, resolve));
      // The old store is closed behind the switch.
      await new Promise((resolve) => setTimeout(resolve, 100));
      const rest = await chunksOf(image);
      const writer = to.receiveImage();
      assert.match(
        (await received(writer, [first ?? new Uint8Array(), ...rest])) ?? '',
        /incomplete/,
      );
      assert.deepEqual(source.fatal, []);
    });
  });
}
