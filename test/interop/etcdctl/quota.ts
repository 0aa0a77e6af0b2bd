import { Cluster } from '../../members/harness.ts';
import { Script, type Scenario } from './script.ts';

/** A member of its own whose quota runs out, and the way back that etcd's documentation describes. */

const quotaBytes = 16 * 1024 * 1024;
const valueBytes = 1024 * 1024;
const putsMax = 40;

export const quotaScenarios: readonly Scenario[] = [
  {
    name: 'the quota runs out: alarm, compaction, defrag, disarm, and it takes writes again',
    run: async (script) => {
      const { program } = script.member.settings;
      const flags = [`--quota-backend-bytes=${quotaBytes}`];
      const small = await Cluster.start({ program, members: 1, flags });
      const inner = new Script(small, 0);
      try {
        await runOut(inner);
        await wayBack(inner);
      } finally {
        await small.destroy();
        script.tell(inner.told);
      }
    },
  },
];

async function runOut(script: Script): Promise<void> {
  const value = Buffer.alloc(valueBytes, 'x');
  for (let puts = 0; puts < putsMax; puts++) {
    const request = { key: Buffer.from('big'), value };
    const answer = await script.cluster.client(script.member).call('KV.Put', request);
    if (!answer.ok) return script.tell(`put failed: ${answer.code} ${answer.text}`);
  }
  throw new Error(`${putsMax} MiB went into a quota of ${quotaBytes} bytes`);
}

async function wayBack(script: Script): Promise<void> {
  await script.run('alarm list');
  await script.compare('endpoint health', 'health', 'simple');
  await script.run('put small refused');
  await script.run('lease grant 60');
  await script.run('del big');
  // How many writes there were depends on what one takes in the store.
  const compacted = await script.read(`compaction ${await script.revision()} --physical`);
  script.tell(`compaction: exit code ${compacted.code}`);
  await script.run('put small refused');
  await script.run('defrag');
  await script.run('alarm disarm');
  await script.run('alarm list');
  await script.run('put small taken');
  await script.compare('endpoint health', 'health', 'simple');
}
