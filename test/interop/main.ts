import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { mustSucceed } from '../members/client.ts';
import { Cluster } from '../members/harness.ts';
import { etcd, programNamed, repositoryRoot } from '../members/programs.ts';
import { runEtcdctlSuite } from './etcdctl/suite.ts';
import { runHttpSuite } from './http.ts';
import { runLineSuite } from './line-suite.ts';
import { Report } from './report.ts';
import { ensureGoPrograms, ensurePython, goProgramPath } from './toolchain.ts';

/**
 * Real clients against a cluster of ours: etcdctl, plain HTTP, a Go program on clientv3, and etcd3 from PyPI.
 *
 *   npm run interop -- [--program quorate|etcd] [--only etcdctl,http,clientv3,python] [--grep TEXT]
 *
 * --grep runs only those scenarios of etcdctl whose name holds the text.
 */

const suites = ['etcdctl', 'http', 'clientv3', 'python'] as const;
const members = 3;
const storageVersionTimeoutMs = 30_000;
/** So that a test sees progress notifications, which come every ten minutes otherwise. */
const flags = ['--watch-progress-notify-interval=500ms'];

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      program: { type: 'string', default: 'quorate' },
      only: { type: 'string', default: suites.join(',') },
      grep: { type: 'string' },
    },
  });
  const chosen = values.only.split(',');
  const unknown = chosen.find((name) => !(suites as readonly string[]).includes(name));
  if (unknown !== undefined) throw new Error(`no suite ${unknown}: there are ${suites.join(', ')}`);

  const hasGo = await ensureGoPrograms(['etcd', 'etcdctl', 'clientv3']);
  const python = chosen.includes('python') ? await ensurePython() : undefined;
  const report = new Report();
  const subject = await Cluster.start({ program: programNamed(values.program), members, flags });
  try {
    if (hasGo && chosen.some((name) => name === 'etcdctl' || name === 'http')) {
      await comparedSuites(chosen, subject, report, values.grep);
    }
    if (hasGo && chosen.includes('clientv3')) await clientv3Suite(subject, report);
    if (python !== undefined) await pythonSuite(python, subject, report);
  } finally {
    await subject.destroy();
  }
  console.log(`\n${report.summary()}`);
  return report.failed === 0 ? 0 : 1;
}

/** The suites that hold our answers against those of a real cluster of as many members. */
async function comparedSuites(
  chosen: readonly string[],
  subject: Cluster,
  report: Report,
  grep: string | undefined,
): Promise<void> {
  const reference = await Cluster.start({ program: etcd, members, flags });
  try {
    await storageVersionIsRaised(reference);
    await storageVersionIsRaised(subject);
    if (chosen.includes('etcdctl')) {
      report.heading('etcdctl 3.7.3, every output compared with a real cluster of etcd 3.7.3');
      await runEtcdctlSuite(subject, reference, report, grep);
    }
    if (chosen.includes('http')) {
      report.heading('HTTP/1.1 on the client port, compared with a real cluster of etcd 3.7.3');
      await runHttpSuite(subject, reference, report);
    }
  } finally {
    await reference.destroy();
  }
}

/** An etcd that has just begun says storage version 3.5 until its monitor has raised it, seconds later. */
async function storageVersionIsRaised(cluster: Cluster): Promise<void> {
  const deadline = performance.now() + storageVersionTimeoutMs;
  for (const member of cluster.members) {
    for (;;) {
      const status = mustSucceed(await cluster.client(member).call('Maintenance.Status', {}));
      if (status['storageVersion'] === '3.7.0') break;
      if (performance.now() > deadline)
        throw new Error(`${member.name} keeps an old storage version`);
      await sleep(100);
    }
  }
}

async function clientv3Suite(subject: Cluster, report: Report): Promise<void> {
  report.heading('go.etcd.io/etcd/client/v3 3.7.3');
  const requests = {
    'kill-leader': async (): Promise<void> => (await subject.leader()).kill(),
    'keep-only-first': async (): Promise<void> => {
      await Promise.all(subject.members.slice(1).map((member) => member.kill()));
    },
    restart: async (): Promise<void> => {
      await subject.startAll();
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
