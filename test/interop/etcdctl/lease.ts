import type { Scenario, Script } from './script.ts';

/** etcdctl lease: what it prints in every format. The leases have ids of our choice, so that both have the same. */

const formats = ['simple', 'json', 'fields', 'simple --hex', 'table'] as const;
const unknownLease = '1234567890abcdef';
const expiringSeconds = 2;

export const leaseScenarios: readonly Scenario[] = [
  ...formats.map((format) => printed(format)),
  ...formats.slice(0, 3).map((format) => onUnknownLease(format)),
  {
    name: 'lease: wrong arguments',
    run: async (script) => {
      await script.run('lease grant');
      await script.run('lease grant ten');
      await script.run('lease grant 9000000001');
      await script.run('lease grant -1');
      await script.run('lease revoke');
      await script.run('lease revoke nothex');
      await script.run('lease timetolive');
      await script.run('lease keep-alive');
      await script.run('lease keep-alive --once nothex');
    },
  },
  {
    name: 'lease: the shortest time to live',
    run: async (script) => {
      for (const seconds of [0, 1, 2, 3]) await script.run(`lease grant ${seconds} -w fields`);
    },
  },
  {
    name: 'lease: keys move from one to another, and go with theirs',
    run: async (script) => {
      await grant(script, 20);
      await grant(script, 21);
      await script.run('put lease/a 1 --lease=14');
      await script.run('put lease/b 1 --lease=14');
      await script.run('put lease/c 1 --lease=14');
      await script.run('put lease/b 2 --lease=15');
      await script.run('put lease/c 2');
      await script.run('put lease/a 2 --ignore-lease');
      await script.run('put lease/none 2 --ignore-lease');
      await script.run('lease timetolive --keys 14');
      await script.run('lease timetolive --keys 15');
      await script.run('lease revoke 14');
      await script.run('get lease/ --prefix -w json');
      await script.run('lease revoke 15');
      await script.run('get lease/ --prefix -w json');
      await script.run(`put lease/a 3 --lease=${unknownLease}`);
    },
  },
  {
    name: 'lease: it expires, and its keys with it in one revision',
    run: async (script) => {
      await grant(script, 22, expiringSeconds);
      const revision = await script.put('lease/x', 'x', { lease: 22 });
      await script.put('lease/y', 'y', { lease: 22 });
      const watch = script.start(`watch lease/ --prefix --rev=${revision} -w json`);
      await watch.shows();
      await watch.showsText('"type":1');
      await script.interrupt(watch, 'watch of keys that expire');
      await script.run('lease timetolive --keys 16');
      await script.run('get lease/ --prefix');
    },
  },
  {
    name: 'lease keep-alive goes on until the lease is revoked',
    run: async (script) => {
      await grant(script, 24, 3);
      const keepAlive = script.start('lease keep-alive 18');
      // It renews at a third of the time to live: longer than the lease would have lasted.
      for (let times = 0; times < 5; times++) await keepAlive.shows();
      await script.run('lease revoke 18');
      const output = await keepAlive.ended();
      const lines = new Set(output.stdout.toString().split('\n'));
      script.tell('keep-alive', { ...output, stdout: Buffer.from([...lines].join('\n')) });
    },
  },
];

function printed(format: string): Scenario {
  return {
    name: `lease grant, timetolive, keep-alive, list, revoke, -w ${format}`,
    run: async (script) => {
      await script.run(`lease grant 600 --write-out=${format}`);
      await revokeAll(script);
      await grant(script, 16);
      await grant(script, 17);
      await script.put('lease/a', '', { lease: 16 });
      await script.run(`lease timetolive 10 --write-out=${format}`);
      await script.run(`lease timetolive 10 --keys --write-out=${format}`);
      await script.run(`lease timetolive 11 --keys --write-out=${format}`);
      await script.run(`lease keep-alive --once 10 --write-out=${format}`);
      await listed(script, format);
      await script.run(`lease revoke 10 --write-out=${format}`);
      await script.run(`lease revoke 11 --write-out=${format}`);
      await script.run('get lease/ --prefix');
    },
  };
}

function onUnknownLease(format: string): Scenario {
  return {
    name: `lease: one that is not there, -w ${format}`,
    run: async (script) => {
      await script.run(`lease timetolive ${unknownLease} --write-out=${format}`);
      await script.run(`lease timetolive ${unknownLease} --keys --write-out=${format}`);
      await script.run(`lease keep-alive --once ${unknownLease} --write-out=${format}`);
      await script.run(`lease keep-alive ${unknownLease} --write-out=${format}`);
      await script.run(`lease revoke ${unknownLease} --write-out=${format}`);
    },
  };
}

/** Grants a lease with an id of our choice, which etcdctl cannot. */
async function grant(script: Script, id: number, seconds = 600): Promise<void> {
  await script.call('Lease.LeaseGrant', { ID: id, TTL: seconds });
}

async function revokeAll(script: Script): Promise<void> {
  const { leases } = await script.call('Lease.LeaseLeases', {});
  for (const { ID } of (leases ?? []) as readonly { readonly ID: string }[]) {
    await script.call('Lease.LeaseRevoke', { ID });
  }
}

/** A follower lists leases in any order. */
async function listed(script: Script, format: string): Promise<void> {
  const output = await script.read(`lease list --write-out=${format}`);
  const parts = output.stdout.toString().split(/(?<=\n)|(?=\{"id)/);
  const sorted = parts.map((part) => part.replace(/[\],}]+\n?$/, '')).sort();
  script.tell('$ etcdctl lease list', { ...output, stdout: Buffer.from(sorted.join('\n')) });
}
