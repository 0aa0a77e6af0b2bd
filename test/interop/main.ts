import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { Cluster } from '../members/harness.ts';
import type { Member } from '../members/member.ts';
import { etcd, programNamed, repositoryRoot } from '../members/programs.ts';
import { runEtcdctlSuite } from './etcdctl.ts';
import { runLineSuite } from './line-suite.ts';
import { Report } from './report.ts';
import { ensureGoPrograms, ensurePython, goProgramPath } from './toolchain.ts';

/**
 * Real clients against a cluster of ours: etcdctl, a Go program on clientv3, and etcd3 from PyPI.
 *
 *   npm run interop -- [--program quorate|etcd] [--only etcdctl,clientv3,python]
 */

const suites = ['etcdctl', 'clientv3', 'python'] as const;
const members = 3;

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      program: { type: 'string', default: 'quorate' },
      only: { type: 'string', default: suites.join(',') },
    },
  });
  const chosen = values.only.split(',');
  const unknown = chosen.find((name) => !(suites as readonly string[]).includes(name));
  if (unknown !== undefined) throw new Error(`no suite ${unknown}: there are ${suites.join(', ')}`);

  const hasGo = await ensureGoPrograms(['etcd', 'etcdctl', 'clientv3']);
  const python = chosen.includes('python') ? await ensurePython() : undefined;
  const report = new Report();
  const subject = await Cluster.start({ program: programNamed(values.program), members });
  try {
    if (hasGo && chosen.includes('etcdctl')) await etcdctlSuite(subject, report);
    if (hasGo && chosen.includes('clientv3')) await clientv3Suite(subject, report);
    if (python !== undefined) await pythonSuite(python, subject, report);
  } finally {
    await subject.destroy();
  }
  console.log(`\n${report.summary()}`);
  return report.failed === 0 ? 0 : 1;
}

async function etcdctlSuite(subject: Cluster, report: Report): Promise<void> {
  report.heading('etcdctl 3.7.3, every output compared with a real cluster of etcd 3.7.3');
  const reference = await Cluster.start({ program: etcd, members });
  try {
    await runEtcdctlSuite(subject, reference, report);
  } finally {
    await reference.destroy();
  }
}

async function clientv3Suite(subject: Cluster, report: Report): Promise<void> {
  report.heading('go.etcd.io/etcd/client/v3 3.7.3');
  let killed: Member | undefined;
  const requests = {
    'kill-leader': async (): Promise<void> => {
      killed = await subject.leader();
      await killed.kill();
    },
    restart: async (): Promise<void> => {
      await killed?.start();
      await subject.leader();
    },
  };
  const command = [goProgramPath('clientv3'), subject.clientUrls.join(',')];
  await runLineSuite(command, 'clientv3', report, requests);
}

async function pythonSuite(python: string, subject: Cluster, report: Report): Promise<void> {
  report.heading('etcd3 0.12 from PyPI');
  const script = join(repositoryRoot, 'test/interop/python/suite.py');
  const addresses = subject.members.map((member) => member.target);
  await runLineSuite([python, script, ...addresses], 'python', report);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
