import type { Scenario, Script } from './script.ts';

/** etcdctl lock and elect: two of them at once, released, interrupted, killed, and a command under the lock. */

const name = 'mutex';
const election = 'election';

export const lockScenarios: readonly Scenario[] = [
  {
    name: 'lock is held until it is interrupted, and the one that waits has it then',
    run: async (script) => {
      const holder = script.start(`lock ${name}`);
      await holder.showsText(`${name}/`);
      const waiter = script.start(`lock ${name} -w json`);
      await waitsBehind(script, name, 2);
      await script.interrupt(holder, 'lock');
      await waiter.shows();
      await script.interrupt(waiter, 'lock that waited');
      await script.run(`get ${name} --prefix --count-only -w fields`);
    },
  },
  {
    name: 'lock: a waiter that is interrupted leaves nothing behind',
    run: async (script) => {
      const holder = script.start(`lock ${name}`);
      await holder.showsText(`${name}/`);
      const waiter = script.start(`lock ${name}`);
      await waitsBehind(script, name, 2);
      await script.interrupt(waiter, 'lock that waits');
      await waitsBehind(script, name, 1);
      await script.interrupt(holder, 'lock');
    },
  },
  {
    name: 'lock: one that is killed loses it when its session ends',
    run: async (script) => {
      const holder = script.start(`lock ${name} --ttl=2`);
      await holder.showsText(`${name}/`);
      const waiter = script.start(`lock ${name}`);
      await waitsBehind(script, name, 2);
      holder.signal('SIGKILL');
      await waiter.showsText(`${name}/`);
      await script.interrupt(waiter, 'lock after the killed one');
    },
  },
  {
    name: 'lock: one whose lease is revoked ends by itself',
    run: async (script) => {
      const holder = script.start(`lock ${name} --ttl=2`);
      await holder.showsText(`${name}/`);
      await revokeHolder(script, name);
      script.tell('lock that lost its session', await holder.ended());
    },
  },
  {
    name: 'lock NAME COMMAND runs it under the lock, in turns, and passes on its exit code',
    run: async (script) => {
      await script.run(`lock ${name} -- sh -c 'echo $ETCD_LOCK_KEY $ETCD_LOCK_REV'`);
      await script.run(`lock ${name} -- sh -c 'echo failed >&2; exit 17'`);
      await script.run(`lock ${name} nothing-of-that-name`);
      const outputs = await Promise.all(
        ['one', 'two', 'three'].map((word) =>
          script.read(`lock ${name} -- sh -c 'echo begin ${word}; sleep 0.2; echo end ${word}'`),
        ),
      );
      for (const output of outputs) script.tell('in turns', output);
    },
  },
  {
    name: 'lock and elect: wrong arguments',
    run: async (script) => {
      await script.run('lock');
      await script.run('elect');
      await script.run(`elect ${election}`);
      await script.run(`elect ${election} me -l`);
      await script.run(`elect ${election} me too`);
    },
  },
  {
    name: 'elect: the next one follows the one that is interrupted, and elect -l tells each',
    run: async (script) => {
      const first = script.start(`elect ${election} one`);
      await first.showsText('one\n');
      const observer = script.start(`elect -l ${election}`);
      await observer.showsText('one\n');
      const second = script.start(`elect ${election} two -w json`);
      await waitsBehind(script, election, 2);
      await script.interrupt(first, 'elect one');
      await second.shows();
      await observer.showsText('two\n');
      await script.interrupt(second, 'elect two');
      await script.interrupt(observer, 'elect -l');
    },
  },
  {
    name: 'elect: one whose lease is revoked ends by itself',
    run: async (script) => {
      const leader = script.start(`elect ${election} one`);
      await leader.showsText('one\n');
      await revokeHolder(script, election);
      // Its session renews at a third of 60 seconds; it need not notice within this test.
      script.tell('elect -l has nobody to tell', await script.read(`get ${election} --prefix`));
    },
  },
];

const waitTriesMax = 400;

/** Waits until so many keys of owners stand under the name. */
async function waitsBehind(script: Script, prefix: string, owners: number): Promise<void> {
  for (let tries = 0; tries < waitTriesMax; tries++) {
    if ((await ownersOf(script, prefix)).length === owners) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`there never were ${owners} keys under ${prefix}`);
}

interface Owner {
  readonly lease: string;
}

async function ownersOf(script: Script, prefix: string): Promise<readonly Owner[]> {
  const request = { key: Buffer.from(`${prefix}/`), range_end: Buffer.from(`${prefix}0`) };
  const { kvs } = await script.call('KV.Range', request);
  return (kvs ?? []) as unknown as readonly Owner[];
}

async function revokeHolder(script: Script, prefix: string): Promise<void> {
  const [owner] = await ownersOf(script, prefix);
  await script.call('Lease.LeaseRevoke', { ID: owner?.lease });
}
