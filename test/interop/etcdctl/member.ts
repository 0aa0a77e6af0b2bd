import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../members/loopback.ts';
import { Member } from '../../members/member.ts';
import type { Format } from './cases.ts';
import type { Output } from './output.ts';
import type { Scenario, Script } from './script.ts';

/**
 * etcdctl member: a learner is added, started with the lines that etcdctl prints for it, promoted, and removed;
 * and what is refused on the way.
 */

export const memberScenarios: readonly Scenario[] = [
  {
    name: 'member: wrong arguments',
    run: async (script) => {
      await script.run('member add');
      await script.run('member add m9');
      await script.run('member add m9 http://127.0.0.1:1');
      await script.run('member add m9 --peer-urls=nothing');
      await script.run('member add m9 --peer-urls=ftp://127.0.0.1:1');
      await script.run('member remove');
      await script.run('member remove nothex');
      await script.run('member update 1');
      await script.run('member promote');
    },
  },
  {
    name: 'member: one that is not there, and a peer URL that is taken',
    run: async (script) => {
      for (const command of ['remove 1', 'promote 1', 'update 1 --peer-urls=http://127.0.0.1:9']) {
        await script.run(`member ${command}`);
      }
      const taken = peerUrl(script.cluster.members[0]);
      await script.run(`member add m9 --peer-urls=${taken}`);
      await script.run(`member add m9 --learner --peer-urls=${taken}`);
      await script.run(`member promote ${await idOf(script, 'm2')}`);
    },
  },
  { name: 'member: a learner from add to promote to remove', run: learnerFlow },
  ...(['json', 'fields', 'table'] as const).map((format) => unstarted(format)),
  {
    name: 'member update: a new peer URL of a member that runs, and the old one again',
    run: async (script) => {
      const id = await idOf(script, 'm1');
      const url = peerUrl(script.cluster.members[0]);
      await script.run(`member update ${id} --peer-urls=${url},http://localhost:1`);
      await listed(script);
      await script.run(`member update ${id} --peer-urls=${url}`);
      await listed(script);
    },
  },
];

async function learnerFlow(script: Script): Promise<void> {
  const [clientPort, peerPort, otherPort] = await freePorts(3);
  const url = `http://127.0.0.1:${peerPort}`;
  const added = await script.read(`member add m4 --learner --peer-urls=${url}`);
  const environment = variablesOf(added);
  tellAdded(script, added);
  await listed(script);

  const id = await idOf(script, '');
  await script.run(`member promote ${id}`);
  await script.run(`member add m5 --learner --peer-urls=http://127.0.0.1:${otherPort}`);

  const { settings } = script.member;
  const { folder } = script.cluster;
  const joiner = new Member({
    ...settings,
    name: 'm4',
    clientPort: clientPort as number,
    peerPort: peerPort as number,
    dataDir: join(folder, 'm4.data'),
    logFile: join(folder, 'm4.log'),
    initialCluster: '',
    environment,
  });
  try {
    await joiner.start();
    await listed(script);
    await onLearner(script, joiner.clientUrl);
    await promoted(script, id);
    await script.run(`member promote ${id}`);
    await listed(script);
    await script.run('put joined yes', { on: joiner.clientUrl });
    await script.run('get joined', { on: joiner.clientUrl });
    await script.run(`member remove ${id}`);
    const { code, signal } = await joiner.exited();
    script.tell(`the removed member ended by itself: exit code ${code}, signal ${signal}`);
  } finally {
    await joiner.kill();
    // A flow that broke off must not leave a fourth member behind.
    await script.read(`member remove ${id}`);
  }
  await listed(script);
  await script.run('get joined');
}

/** A learner answers serializable reads and what is about itself; the rest it refuses. */
async function onLearner(script: Script, on: string): Promise<void> {
  const value = String(await script.put('learned', 'yes'));
  for (let tries = 0; tries < learnTriesMax; tries++) {
    const { stdout } = await script.read('get learned --consistency=s -w json', { on });
    if (stdout.includes(`"mod_revision":${value}`)) break;
  }
  const lines = [
    'get learned --consistency=s',
    'get learned',
    'put learned no',
    'del learned',
    'txn',
    'watch learned --rev=1',
    'lease grant 60',
    'lease list',
    'lease timetolive 1',
    'lock learned',
    'member list --consistency=s -w table',
    'alarm list',
    'compaction 1',
    'defrag',
  ];
  for (const line of lines) await script.run(line, { on, input: '\nget learned\n\n\n' });
}

const learnTriesMax = 100;
const promoteTriesMax = 100;

/** Promotes as soon as the leader finds it in sync; until then it must say that it is not. */
async function promoted(script: Script, id: string): Promise<void> {
  for (let tries = 0; tries < promoteTriesMax; tries++) {
    const output = await script.read(`member promote ${id}`);
    const isEarly = output.stderr.includes('in sync with leader');
    if (!isEarly) return script.tell('member promote', output);
    await sleep(100);
  }
  throw new Error('the learner is never in sync');
}

function unstarted(format: 'json' | 'fields' | 'table'): Scenario {
  return {
    name: `member add, update and remove of one that never starts, -w ${format}`,
    run: async (script) => {
      const [port, other] = await freePorts(2);
      await changed(script, `add m5 --learner --peer-urls=http://127.0.0.1:${port}`, format);
      await listed(script);
      const id = await idOf(script, '');
      await changed(script, `update ${id} --peer-urls=http://127.0.0.1:${other}`, format);
      await listed(script);
      await script.run(`member update ${id} --peer-urls=${peerUrl(script.cluster.members[0])}`);
      await changed(script, `remove ${id}`, format);
      await listed(script);
      await script.run(`member remove ${id}`);
    },
  };
}

/** A command whose answer lists members, in the order of their ids. */
async function changed(script: Script, line: string, format: Format): Promise<void> {
  await script.compare(`member ${line}`, 'members', format);
}

async function listed(script: Script): Promise<void> {
  for (const format of ['simple', 'json', 'fields'] as const) {
    await script.compare('member list', 'members', format);
  }
}

/** In hex, as etcdctl takes it; the first member of that name. */
async function idOf(script: Script, name: string): Promise<string> {
  const { members } = await script.call('Cluster.MemberList', {});
  const all = members as unknown as readonly { readonly ID: string; readonly name?: string }[];
  const found = all.find((member) => (member.name ?? '') === name);
  if (found === undefined) throw new Error(`no member is named ${JSON.stringify(name)}`);
  return BigInt(found.ID).toString(16);
}

const peerUrl = (member: Member | undefined): string =>
  `http://127.0.0.1:${member?.settings.peerPort ?? 0}`;

/** The lines that a new member is to be started with. */
function variablesOf(output: Output): Readonly<Record<string, string>> {
  const lines = output.stdout.toString().matchAll(/^(ETCD_\w+)="(.*)"$/gm);
  return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]));
}

/** etcdctl names the members in the order of their ids. */
function tellAdded(script: Script, output: Output): void {
  const text = output.stdout
    .toString()
    .replace(/(?<=ETCD_INITIAL_CLUSTER=").*(?=")/, (list) => list.split(',').sort().join(','));
  script.tell('member add --learner', { ...output, stdout: Buffer.from(text) });
}
