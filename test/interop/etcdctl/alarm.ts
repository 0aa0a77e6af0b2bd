import type { Scenario, Script } from './script.ts';

/** etcdctl alarm, and what alarms make of the other commands. They are raised by hand; what a full quota does is in quota.ts. */

const formats = ['simple', 'json', 'fields', 'simple --hex', 'table'] as const;

export const alarmScenarios: readonly Scenario[] = [
  {
    name: 'alarm list and disarm with no alarm',
    run: async (script) => {
      for (const format of formats) {
        await script.run(`alarm list -w ${format}`);
        await script.run(`alarm disarm -w ${format}`);
      }
      await script.run('alarm');
      await script.run('alarm list more');
      await script.run('alarm disarm more');
    },
  },
  ...formats.map((format) => raised('NOSPACE', format)),
  ...(['simple', 'json'] as const).map((format) => raised('CORRUPT', format)),
  {
    name: 'alarms of two members and of both kinds',
    run: async (script) => {
      const [first, second] = await idsOf(script);
      for (const memberID of [first, second]) await raise(script, memberID, 'NOSPACE');
      await raise(script, first, 'CORRUPT');
      // Which comes first is left open.
      for (const line of ['alarm list', 'endpoint status', 'alarm disarm']) {
        const { stdout } = await script.read(line);
        script.tell((stdout.toString().match(/alarm:\w+/g) ?? []).sort().join(' '));
      }
      await script.run('alarm list');
      await script.run('put alarmed again');
    },
  },
];

function raised(alarm: 'NOSPACE' | 'CORRUPT', format: string): Scenario {
  return {
    name: `alarm ${alarm}, -w ${format}`,
    run: async (script) => {
      await script.put('alarmed', 'before');
      const [memberID] = await idsOf(script);
      await raise(script, memberID, alarm);
      try {
        await script.run(`alarm list -w ${format}`);
        await underAlarm(script);
      } finally {
        await script.run(`alarm disarm -w ${format}`);
      }
      await script.run(`alarm list -w ${format}`);
      await script.run('put alarmed after');
      await script.run('lease grant 60');
    },
  };
}

/** What is refused under an alarm and what is not. */
async function underAlarm(script: Script): Promise<void> {
  await script.run('put alarmed now');
  await script.run('get alarmed');
  await script.run('get alarmed --consistency=s');
  await script.run('txn', { input: '\nput alarmed now\n\n\n' });
  await script.run('txn', { input: '\nget alarmed\n\n\n' });
  await script.run('txn', { input: '\ndel nothing\n\n\n' });
  await script.run('lease grant 60');
  await script.run('lease revoke 1234567890abcdef');
  await script.run('del alarmed');
  await script.run(`compaction ${await script.revision()}`);
  await script.run('defrag');
  await endpoints(script);
}

async function endpoints(script: Script): Promise<void> {
  for (const format of ['simple', 'json', 'table'] as const) {
    await script.compare('endpoint status', 'status', format);
  }
  for (const format of ['simple', 'json'] as const) {
    await script.compare('endpoint health', 'health', format);
  }
}

async function raise(script: Script, memberID: string, alarm: string): Promise<void> {
  await script.call('Maintenance.Alarm', { action: 'ACTIVATE', memberID, alarm });
}

/** The ids of m1 and m2. */
async function idsOf(script: Script): Promise<readonly [string, string]> {
  const { members } = await script.call('Cluster.MemberList', {});
  const all = members as unknown as readonly { readonly ID: string; readonly name?: string }[];
  const [first, second] = ['m1', 'm2'].map((name) => all.find((member) => member.name === name));
  if (first === undefined || second === undefined) throw new Error('m1 and m2 are not listed');
  return [first.ID, second.ID];
}
