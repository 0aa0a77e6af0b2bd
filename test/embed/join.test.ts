import assert from 'node:assert/strict';
import { defaultServerConfig, type ServerConfig } from '../../src/config/server-config.ts';
import { joinCluster, wasBootstrapped } from '../../src/embed/join.ts';
import type { Logger } from '../../src/host/logger.ts';
import {
  ClusterDescription,
  DescribedMember,
  type ClusterAnswer,
} from '../../src/peer/cluster-query.ts';

/** What `etcdctl member add` tells a new member to start with, against what the cluster says. */

const url = (name: string): string => `http://${name}:2380`;

function configOf(...names: readonly string[]): ServerConfig {
  return {
    ...defaultServerConfig(),
    name: 'new',
    initialClusterState: 'existing',
    initialCluster: names.map((name) => ({ name, peerUrl: url(name) })),
  };
}

/** Started members with their names as URLs; `new` has not been started. */
function clusterOf(appliedIndex: number, ...names: readonly string[]): ClusterDescription {
  const members = names.map((name, i) =>
    DescribedMember.create({
      id: BigInt(i + 1),
      name: name === 'new' ? '' : name,
      peerUrls: [url(name)],
      clientUrls: name === 'new' ? [] : [`http://${name}:2379`],
      incarnation: name === 'new' ? 0n : 7n,
    }),
  );
  const lineage = Uint8Array.of(1);
  return ClusterDescription.create({ clusterId: 0xc1n, appliedIndex, members, lineage });
}

const answer = (cluster: ClusterDescription): ClusterAnswer => ({ ok: true, cluster });
const silence: ClusterAnswer = { ok: false, reason: 'connection refused' };

/** Answers by URL, and in the order in which they are asked for. */
function world(answers: Readonly<Record<string, readonly ClusterAnswer[]>>) {
  const asked: string[] = [];
  const logged: string[] = [];
  const logger: Logger = { log: (level, msg) => void logged.push(`${level} ${msg}`) };
  return {
    asked,
    logged,
    logger,
    ask: (peerUrl: string): Promise<ClusterAnswer> => {
      const turn = asked.filter((each) => each === peerUrl).length;
      asked.push(peerUrl);
      const list = answers[peerUrl] ?? [];
      return Promise.resolve(list[Math.min(turn, list.length - 1)] ?? silence);
    },
    resolve: (host: string) => Promise.resolve(host === 'alias' ? 'one' : host),
    pause: () => Promise.resolve(),
  };
}

describe('joining a running cluster', () => {
  it('takes the id of the record that has the own peer URLs', async () => {
    const parts = world({ [url('one')]: [answer(clusterOf(9, 'one', 'two', 'new'))] });
    assert.deepEqual(await joinCluster({ config: configOf('one', 'two', 'new'), ...parts }), {
      clusterId: 0xc1n,
      memberId: 3n,
      lineage: Uint8Array.of(1),
    });
    assert.deepEqual(parts.asked, [url('one'), url('two')], 'never itself');
  });

  it('believes the one that has applied most', async () => {
    const replaced = clusterOf(8, 'new', 'one', 'two');
    const parts = world({
      [url('one')]: [answer(replaced)],
      [url('two')]: [answer(clusterOf(9, 'one', 'two', 'new'))],
    });
    const { memberId } = await joinCluster({ config: configOf('one', 'two', 'new'), ...parts });
    assert.equal(memberId, 3n);
  });

  it('waits for members that do not answer, or know nothing, yet', async () => {
    const parts = world({
      [url('one')]: [silence, answer(clusterOf(0)), answer(clusterOf(9, 'one', 'new'))],
    });
    const { memberId } = await joinCluster({ config: configOf('one', 'new'), ...parts });
    assert.equal(memberId, 2n);
    assert.deepEqual(parts.logged, ['warn no member to join answers yet; trying again']);
  });

  it('gives up after a minute without an answer', async () => {
    const parts = world({});
    await assert.rejects(joinCluster({ config: configOf('one', 'new'), ...parts }), {
      message:
        'cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs ' +
        '(http://one:2380: connection refused)',
    });
    assert.equal(parts.asked.length, 121);
  });

  it('knows a host by its address', async () => {
    const parts = world({ [url('alias')]: [answer(clusterOf(9, 'one', 'new'))] });
    const { memberId } = await joinCluster({ config: configOf('alias', 'new'), ...parts });
    assert.equal(memberId, 2n);
  });

  const refusals: readonly (readonly [string, ServerConfig, ClusterDescription, RegExp])[] = [
    [
      'a cluster that has not been told of it',
      configOf('one', 'new'),
      clusterOf(9, 'one'),
      /^error validating peerURLs \{ClusterID:c1 Members:\[&\{ID:1 .*\}\] .*\}: member count is unequal$/,
    ],
    [
      'other peer URLs than the record has',
      configOf('one', 'new'),
      clusterOf(9, 'one', 'two'),
      /PeerURLs: no match found for existing member \(2, \[http:\/\/two:2380\]\), last resolver error/,
    ],
    [
      'a record that a lost data dir was run under',
      { ...configOf('one', 'new'), name: 'one' },
      clusterOf(9, 'one', 'new'),
      /^member 1 has run already, with another data dir: .*etcdctl member remove 1\)/,
    ],
    [
      'more learners than it allows',
      { ...configOf('one', 'new'), maxLearners: 0 },
      {
        ...clusterOf(9, 'one'),
        members: [
          ...clusterOf(9, 'one').members,
          DescribedMember.create({ id: 2n, peerUrls: [url('new')], isLearner: true }),
        ],
      },
      /^membership: too many learner members in cluster$/,
    ],
  ];
  for (const [what, config, cluster, reason] of refusals) {
    it(`refuses ${what}`, async () => {
      const parts = world({ [url('one')]: [answer(cluster)], [url('new')]: [answer(cluster)] });
      await assert.rejects(joinCluster({ config, ...parts }), (error: Error) => {
        assert.match(error.message.replace(/"/g, ''), reason);
        return true;
      });
    });
  }

  it('refuses flags that do not name it, or name a URL twice', async () => {
    const parts = world({});
    const join = (config: ServerConfig) => joinCluster({ config, ...parts });
    await assert.rejects(join(configOf('one')), /couldn't find local name "new"/);
    await assert.rejects(join(configOf('new', 'new')), /has duplicate url$/);
  });
});

describe('a first member that starts without data', () => {
  it('was bootstrapped before when the others know that it has run', async () => {
    const { ask } = world({ [url('one')]: [answer(clusterOf(9, 'one', 'new', 'two'))] });
    const config = configOf('one', 'new', 'two');
    assert.equal(await wasBootstrapped(config, 1n, ask), true);
    assert.equal(await wasBootstrapped(config, 2n, ask), false, 'it has not published itself');
    assert.equal(await wasBootstrapped(config, 9n, ask), false);
    assert.equal(await wasBootstrapped(config, 1n, world({}).ask), false, 'nobody to ask');
  });
});
