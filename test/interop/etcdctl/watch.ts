import { setTimeout as sleep } from 'node:timers/promises';
import { methodNamed, type WireObject } from '../../members/protocol.ts';
import type { RunningEtcdctl } from './process.ts';
import type { Scenario, Script } from './script.ts';

/** etcdctl watch: the flags, the formats, a command for each event, and the interactive mode. */

const key = 'watched';
const formats = ['simple', 'json', 'fields', 'simple --hex'] as const;
/** What a range of keys is watched with, in the place of the key. */
const ranges = [
  `${key} --prefix`,
  `${key} --prefix --prev-kv`,
  `${key}/1 ${key}/3`,
  `${key}/1 ${key}/3 --prev-kv`,
  `'' --prefix`,
] as const;

export const watchScenarios: readonly Scenario[] = [
  ...formats.map((format) => oneKey(`${key} --write-out=${format}`)),
  ...formats.map((format) => oneKey(`${key} --write-out=${format} --prev-kv`)),
  ...ranges.map((range) => manyKeys(`${range} --write-out=json`)),
  {
    name: 'watch -w protobuf',
    run: async (script) => {
      const revision = await script.put(key, 'one');
      const watch = script.start(`watch ${key} --prev-kv --rev=${revision} --write-out=protobuf`);
      await watch.showsText('one');
      await script.put(key, 'two');
      await watch.showsText('two');
      script.tell(eventsOf(watch.output.stdout));
    },
  },
  {
    name: 'watch -w table',
    run: async (script) => {
      const revision = await script.put(key, 'one');
      await script.run(`watch ${key} --rev=${revision} --write-out=table`);
    },
  },
  {
    name: 'watch: what one transaction wrote comes in one response',
    run: async (script) => {
      const revision = await script.put(`${key}/0`, 'before');
      const watch = script.start(`watch ${key}/ --prefix --prev-kv --rev=${revision} -w json`);
      await watch.shows();
      await script.call('KV.Txn', {
        success: [put(`${key}/1`), put(`${key}/2`), remove(`${key}/0`)],
      });
      await watch.shows();
      await script.delete(`${key}/`, `${key}0`);
      await watch.shows();
      await script.interrupt(watch, 'watch of transactions');
    },
  },
  {
    name: 'watch: what a revoked lease took with it comes in one response',
    run: async (script) => {
      await script.call('Lease.LeaseGrant', { ID: '4711', TTL: '600' });
      const revision = await script.put(`${key}/b`, 'b', { lease: '4711' });
      await script.put(`${key}/a`, 'a', { lease: '4711' });
      const watch = script.start(`watch ${key}/ --prefix --prev-kv --rev=${revision} -w json`);
      await watch.shows();
      await script.call('Lease.LeaseRevoke', { ID: '4711' });
      await watch.shows();
      await script.interrupt(watch, 'watch of a lease');
    },
  },
  {
    name: 'watch: a start revision in the future',
    run: async (script) => {
      const revision = await script.put(key, 'now');
      const watch = script.start(`watch ${key} --rev=${revision + 3} -w json`);
      for (const value of ['one', 'two', 'three', 'four']) await script.put(key, value);
      await watch.showsText(base64('four'));
      script.tell(eventsOfLines(watch.output.stdout));
    },
  },
  ...['simple', 'json', 'fields'].map((format) => compactedStart(format)),
  {
    name: 'watch: a range that ends before it begins',
    run: async (script) => {
      await script.run('watch b a');
    },
  },
  {
    name: 'watch: a negative start revision',
    run: async (script) => {
      await script.run(`watch ${key} --rev=-1`);
    },
  },
  {
    name: 'watch: wrong arguments',
    run: async (script) => {
      await script.run('watch');
      await script.run('watch a b --prefix');
      await script.run('watch a --');
      await script.run('watch a', { environment: { ETCDCTL_WATCH_KEY: key } });
      await script.run('watch', { environment: { ETCDCTL_WATCH_RANGE_END: key } });
    },
  },
  {
    name: 'watch -- COMMAND runs it for every event',
    run: async (script) => {
      const revision = await script.put(key, 'one');
      const watch = script.start(`watch ${key} --rev=${revision} -- sh -c '${showEvent}'`);
      await watch.showsText('"one"');
      await script.put(key, 'two');
      await watch.showsText('"two"');
      await script.delete(key);
      await watch.showsText('"DELETE" "watched"');
      await script.interrupt(watch, 'watch with a command');
    },
  },
  {
    name: 'watch -- COMMAND ends when the command fails',
    run: async (script) => {
      const revision = await script.put(key, 'one');
      await script.run(`watch ${key} --rev=${revision} -- false`);
    },
  },
  {
    name: 'watch of ETCDCTL_WATCH_KEY and ETCDCTL_WATCH_RANGE_END',
    run: async (script) => {
      const revision = await script.put(`${key}/1`, 'one');
      const environment = { ETCDCTL_WATCH_KEY: key, ETCDCTL_WATCH_RANGE_END: `${key}0` };
      const watch = script.start(`watch --rev=${revision}`, environment);
      await watch.shows();
      await script.interrupt(watch, 'watch of the environment');
    },
  },
  {
    name: 'watch --progress-notify',
    run: async (script) => {
      const revision = await script.put(key, 'one');
      const watch = script.start(`watch ${key} --progress-notify --rev=${revision}`);
      await watch.showsText(`progress notify: ${revision}\n`);
      const next = await script.put(key, 'two');
      await watch.showsText(`progress notify: ${next}\n`);
      // How many there are is a matter of time.
      const lines = watch.output.stdout.toString().split('\n');
      script.tell(lines.filter((line, i) => line !== lines[i - 1]).join('\n'));
    },
  },
  { name: 'watch -i', run: interactive },
  {
    name: 'watch -i: wrong lines',
    run: async (script) => {
      const wrong = ['bogus', 'watch', 'watch a b --prefix'];
      await script.run('watch -i', { input: wrong.map((line) => `${line}\n`).join('') });
      await script.run('watch -i', { input: 'watch a --\n' });
      await script.run('watch -i', { input: 'watch --nothing a\n' });
    },
  },
];

/** A watch that begins in the past, catches up and goes on as things happen. */
function oneKey(args: string): Scenario {
  return {
    name: `watch ${args}`,
    run: async (script) => {
      const revision = await script.put(key, 'one');
      await script.put(key, 'two');
      const watch = script.start(`watch ${args} --rev=${revision}`);
      await watch.shows();
      await script.put(key, 'three');
      await watch.shows();
      await script.put(`${key}/other`, 'not watched');
      await script.delete(key);
      await watch.shows();
      await script.delete(key);
      await script.put(key, 'end');
      await watch.shows();
      await script.interrupt(watch, `watch ${args}`);
    },
  };
}

function manyKeys(args: string): Scenario {
  return {
    name: `watch ${args}`,
    run: async (script) => {
      const revision = await script.put(`${key}/1`, 'one');
      for (const name of ['0', '2', '3', '4']) await script.put(`${key}/${name}`, name);
      const watch = script.start(`watch ${args} --rev=${revision}`);
      await watch.shows();
      for (const name of ['1', '2']) {
        await script.put(`${key}/${name}`, 'again');
        await watch.shows();
      }
      await script.delete(`${key}/1`);
      await watch.shows();
      await script.interrupt(watch, `watch ${args}`);
    },
  };
}

function compactedStart(format: string): Scenario {
  return {
    name: `watch of a compacted revision, -w ${format}`,
    run: async (script) => {
      await script.put(key, 'one');
      const revision = await script.put(key, 'two');
      await script.call('KV.Compact', { revision });
      await script.run(`watch ${key} --rev=${revision - 1} -w ${format}`);
      const watch = script.start(`watch ${key} --rev=${revision} -w ${format}`);
      await watch.shows();
      await script.interrupt(watch, 'watch of the compact revision');
    },
  };
}

/** `progress` is answered once everything is told: it says when the watches before it are there. */
async function interactive(script: Script): Promise<void> {
  const revision = await script.put(`${key}/past`, 'past');
  const watch = script.start('watch -i');
  watch.write(`watch ${key}/past --rev=${revision}\n`);
  await watch.showsText('past');
  watch.write(`watch --prefix ${key}/p --prev-kv\n`);
  watch.write(`watch ${key}/live -- sh -c 'echo command $ETCD_WATCH_KEY'\n`);
  await untilProgressOf(3, watch);
  await script.put(`${key}/pa`, 'by prefix');
  await watch.shows();
  await script.put(`${key}/live`, 'with a command');
  await watch.showsText('command "watched/live"');
  await script.delete(`${key}/pa`);
  await watch.shows();
  watch.write('bogus\n');
  await watch.shows();
  watch.closeInput();
  const output = await watch.ended();
  const lines = output.stdout.toString().split('\n');
  const events = lines.filter((line) => !line.startsWith('progress notify'));
  script.tell('watch -i', { ...output, stdout: Buffer.from(events.join('\n')) });
}

const progressTriesMax = 50;

/** Asks for progress until so many watches answer, each with a line of its own. */
async function untilProgressOf(watches: number, running: RunningEtcdctl): Promise<void> {
  const count = (): number =>
    running.output.stdout.toString().split('progress notify: ').length - 1;
  for (let tries = 0; tries < progressTriesMax; tries++) {
    const before = count();
    running.write('progress\n');
    await sleep(100);
    if (count() - before >= watches) return;
  }
  throw new Error(`progress is never told to ${watches} watches: ${running.output.stdout}`);
}

const showEvent =
  'echo $ETCD_WATCH_REVISION $ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY $ETCD_WATCH_VALUE';

const put = (name: string): object => ({
  request_put: { key: Buffer.from(name), value: Buffer.from('txn') },
});

const remove = (name: string): object => ({ request_delete_range: { key: Buffer.from(name) } });

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Messages that stand one after the other decode as their sum. */
function eventsOf(stdout: Buffer): string {
  const { events } = methodNamed('Watch.Watch').responseDeserialize(stdout) as WireObject;
  return JSON.stringify(events);
}

/** The events alone: how many come in one response is a matter of time. */
function eventsOfLines(stdout: Buffer): string {
  const responses = stdout.toString().trim().split('\n');
  return responses
    .flatMap((line) => (JSON.parse(line) as { Events: readonly object[] | null }).Events ?? [])
    .map((event) => JSON.stringify(event))
    .join('\n');
}
