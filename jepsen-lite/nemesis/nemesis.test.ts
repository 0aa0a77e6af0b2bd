import assert from 'node:assert/strict';
import { seededRandom } from '../../src/base/random.ts';
import type { TestCluster } from '../db/cluster.ts';
import { Links } from '../net/links.ts';
import type { Preloads } from '../preload/preloads.ts';
import type { NemesisEvent } from '../types.ts';
import { etcdDb } from '../db/etcd.ts';
import { quorateDb } from '../db/quorate.ts';
import { tellsOfSnapshot } from './behind.ts';
import { deafLeader, muteLeader, withoutOldLeader } from './deaf.ts';
import { nemeses } from './index.ts';
import { allWays } from './link-fault.ts';
import { halves, oneWay, waysAcross } from './partition.ts';
import { runSchedule } from './schedule.ts';
import type { Nemesis, World } from './types.ts';

const names = ['n1', 'n2', 'n3', 'n4', 'n5'];

/** Only what link faults need. */
function worldOf(count: number, seed: number): World & { readonly links: Links } {
  const links = new Links();
  const members = names.slice(0, count).map((name) => ({ name, isRunning: true, isPaused: false }));
  const cluster = { links, members, leader: () => Promise.resolve(members[0]) };
  return {
    links,
    cluster: cluster as unknown as TestCluster,
    preloads: {} as Preloads,
    random: seededRandom(seed),
  };
}

function cutWays(links: Links, count: number): readonly string[] {
  return allWays(names.slice(0, count))
    .filter(([from, to]) => links.fault(from, to)?.cut !== undefined)
    .map(([from, to]) => `${from}>${to}`);
}

describe('jepsen-lite: nemeses', () => {
  it('have names of their own', () => {
    assert.equal(new Set(nemeses.map(({ name }) => name)).size, nemeses.length);
  });

  it('none that works through the C library is for etcd', () => {
    const wrong = nemeses.filter(({ needs, targets }) => needs?.length && targets.includes('etcd'));
    assert.deepEqual(
      wrong.map(({ name }) => name),
      [],
    );
  });

  for (const count of [3, 5]) {
    it(`halves leave a majority of ${count} whole, cut it from the others both ways, and heal`, async () => {
      for (let seed = 1; seed < 30; seed++) {
        const world = worldOf(count, seed);
        const begun = await halves.begin(world);
        assert.ok(begun !== undefined);
        const minority = begun.members;
        assert.ok(minority.length < count / 2 && minority.length > 0);
        assert.equal(
          cutWays(world.links, count).length,
          2 * minority.length * (count - minority.length),
        );
        await begun.end();
        assert.deepEqual(cutWays(world.links, count), []);
      }
    });
  }

  it('a one-way cut leaves the other way whole', async () => {
    for (let seed = 1; seed < 20; seed++) {
      const world = worldOf(3, seed);
      await oneWay.begin(world);
      const cut = cutWays(world.links, 3);
      assert.equal(cut.length, 2);
      assert.ok(cut.every((way) => !cut.includes(way.split('>').toReversed().join('>'))));
    }
  });

  for (const [fault, isDeaf] of [
    [deafLeader, true],
    [muteLeader, false],
  ] as const) {
    it(`a ${fault.name} is cut one way alone, ${isDeaf ? 'from' : 'towards'} all others`, async () => {
      const world = worldOf(3, 4);
      const begun = await fault.begin(world);
      const expected = isDeaf ? ['n2>n1', 'n3>n1'] : ['n1>n2', 'n1>n3'];
      assert.deepEqual([...cutWays(world.links, 3)].sort(), expected);
      await begun?.end();
      assert.deepEqual(cutWays(world.links, 3), []);
    });
  }

  it('a majority comes back without the leader of before, and then all do', async () => {
    const world = worldOf(3, 4);
    const begun = await withoutOldLeader.begin(world);
    assert.equal(cutWays(world.links, 3).length, 6);
    await new Promise((resolve) => setTimeout(resolve, (begun?.holdMs ?? 0) - 1_500));
    assert.deepEqual([...cutWays(world.links, 3)].sort(), ['n1>n2', 'n1>n3', 'n2>n1', 'n3>n1']);
    await begun?.end();
    assert.deepEqual(cutWays(world.links, 3), []);
  });

  it('a cut that nothing met says that it did nothing', async () => {
    const world = worldOf(3, 4);
    const cut = await halves.begin(world);
    assert.match((await cut?.end())?.nothing ?? '', /nobody sent anything/);
    const met = await halves.begin(world);
    for (const [from, to] of allWays(names.slice(0, 3))) world.links.meet(from, to);
    assert.match((await met?.end())?.proof ?? '', /4 packets and calls met it/);
  });

  it('who was let fall behind has come back by a snapshot only where the log of the sender says so', () => {
    const index = '"snapshot-index":829,';
    const lines = [
      [etcdDb, `"msg":"sent database snapshot",${index}"remote-peer-id":"449576392d97d692"}`],
      [quorateDb, '"msg":"sent a snapshot","remote-peer-id":"449576392d97d692"}'],
    ] as const;
    const others = [
      '"msg":"failed to send a snapshot","remote-peer-id":"449576392d97d692","reason":"cut"}',
      `"msg":"sending database snapshot",${index}"remote-peer-id":"449576392d97d692"}`,
      '"msg":"sent database snapshot to writer","bytes":69632}',
    ].join('\n');
    for (const [db, line] of lines) {
      assert.ok(tellsOfSnapshot(`first\n${line}\n`, { db, hex: '449576392d97d692' }));
      assert.ok(!tellsOfSnapshot(`first\n${line}\n`, { db, hex: 'a0fd35e1ea287ed3' }));
      assert.ok(!tellsOfSnapshot(others, { db, hex: '449576392d97d692' }));
    }
  });

  it('in a ring of five everybody sees its two neighbours, of three members two see the third', () => {
    const seen = (count: number, name: string): number => {
      const cut = waysAcross(names.slice(0, count)).filter(([from]) => from === name);
      return count - 1 - cut.length;
    };
    assert.deepEqual(
      names.map((name) => seen(5, name)),
      [2, 2, 2, 2, 2],
    );
    assert.deepEqual(
      names.slice(0, 3).map((name) => seen(3, name)),
      [1, 2, 1],
    );
  });

  describe('a schedule', () => {
    const timing = { firstQuietMs: 0, quietMs: [0, 5], crowdedQuietMs: [0, 5] } as const;

    /** Draws and is over at once. */
    const quick: Nemesis = {
      name: 'quick',
      about: '',
      atOnceMax: 1,
      targets: ['quorate'],
      faults: ['a', 'b', 'c'].map((name) => ({
        name,
        begin: async () => ({ what: name, members: [], holdMs: 0, end: () => Promise.resolve() }),
      })),
    };

    async function drawn(seed: number): Promise<readonly string[]> {
      const events: NemesisEvent[] = [];
      const ended = new AbortController();
      await runSchedule(
        quick,
        {
          world: worldOf(3, seed),
          nowUs: () => 0,
          onEvent: (event) => {
            events.push(event);
            if (events.length === 2) ended.abort();
          },
          onChange: () => undefined,
          signal: ended.signal,
        },
        timing,
      );
      return events.map(({ what }) => what);
    }

    it('watches the service after a fault, with no other fault meanwhile, and tells what it saw', async () => {
      const events: NemesisEvent[] = [];
      const ended = new AbortController();
      let watching = 0;
      const counting: Nemesis = {
        ...quick,
        atOnceMax: 2,
        faults: [
          {
            name: 'a',
            begin: async () => {
              assert.equal(watching, 0, 'a fault began while the service was watched');
              return { what: 'a', members: [], holdMs: 3, end: async () => ({ proof: 'seen' }) };
            },
          },
        ],
      };
      await runSchedule(
        counting,
        {
          world: worldOf(3, 2),
          nowUs: () => 0,
          onEvent: (event) => {
            events.push(event);
            if (events.filter(({ service }) => service !== undefined).length === 3) ended.abort();
          },
          onChange: () => undefined,
          serviceBack: async () => {
            watching++;
            await new Promise((resolve) => setTimeout(resolve, 20));
            watching--;
            return { recoveredMs: 20, waitedForCoreMs: 0, absent: [] };
          },
          signal: ended.signal,
        },
        timing,
      );
      assert.ok(events.every(({ proof }) => proof === 'seen'));
      assert.ok(events.filter(({ service }) => service?.recoveredMs === 20).length >= 3);
    });

    it('is drawn from the seed', async () => {
      const [first, again] = await Promise.all([drawn(5), drawn(5)]);
      assert.deepEqual(first, again);
      assert.equal(first.length, 2);
    });

    it('ends what is under way when the time is over, and tells of it', async () => {
      const events: NemesisEvent[] = [];
      const ended = new AbortController();
      let isEnded = false;
      const long: Nemesis = {
        ...quick,
        faults: [
          {
            name: 'long',
            begin: async () => {
              setTimeout(() => ended.abort(), 20);
              const end = (): Promise<void> => Promise.resolve(void (isEnded = true));
              return { what: 'long', members: [], holdMs: 60_000, end };
            },
          },
        ],
      };
      await runSchedule(
        long,
        {
          world: worldOf(3, 1),
          nowUs: () => 0,
          onEvent: (event) => events.push(event),
          onChange: () => undefined,
          signal: ended.signal,
        },
        timing,
      );
      assert.ok(isEnded);
      assert.equal(events.length, 1);
    });
  });
});
