import type { Cluster } from '../../members/harness.ts';
import type { Report } from '../report.ts';
import {
  aboutMembers,
  compact,
  formats,
  reads,
  writes,
  type CommandCase,
  type Format,
} from './cases.ts';
import { alarmScenarios } from './alarm.ts';
import { leaseScenarios } from './lease.ts';
import { lockScenarios } from './lock.ts';
import { memberScenarios } from './member.ts';
import { comparableOutput } from './output.ts';
import { etcdctl } from './process.ts';
import { quotaScenarios } from './quota.ts';
import { compareScenario } from './script.ts';
import { watchScenarios } from './watch.ts';

/**
 * The real etcdctl against our cluster and against a real etcd's of as many members: the same commands in the
 * same order, on each member and in every output format, must print the same.
 */
export async function runEtcdctlSuite(
  subject: Cluster,
  reference: Cluster,
  report: Report,
  grep: string | undefined,
): Promise<void> {
  const suite = new EtcdctlSuite(subject, reference, report);
  if (grep !== undefined) return suite.runScenarios((name) => name.includes(grep));
  for (const format of formats) await suite.runFormat(format);
  await suite.runWholeCluster();
  await suite.runScenarios(() => true);
}

const scenarios = [
  ...watchScenarios,
  ...leaseScenarios,
  ...lockScenarios,
  ...alarmScenarios,
  ...quotaScenarios,
  ...memberScenarios,
];

class EtcdctlSuite {
  readonly #subject: Cluster;
  readonly #reference: Cluster;
  readonly #report: Report;
  #turn = 0;

  constructor(subject: Cluster, reference: Cluster, report: Report) {
    this.#subject = subject;
    this.#reference = reference;
    this.#report = report;
  }

  async runFormat(format: Format): Promise<void> {
    const everyMember = this.#subject.members.keys();
    for (const command of writes(format)) await this.#compare(command, format, this.#nextMember());
    const revision = await this.#revision();
    await this.#compare(compact(revision - 4), format, this.#nextMember());
    await this.#compare(compact(revision - 4), format, this.#nextMember());
    await this.#compare(compact(revision - 3, '--physical'), format, this.#nextMember());
    await this.#compare(compact(revision + 1_000), format, this.#nextMember());
    const commands = [...reads(format, revision - 1, revision - 5), ...aboutMembers];
    for (const member of everyMember) {
      for (const command of commands) await this.#compare(command, format, member);
    }
  }

  /** All endpoints at once, and what may change who leads. */
  async runWholeCluster(): Promise<void> {
    for (const [name, kind] of [
      ['status', 'status'],
      ['health', 'health'],
      ['hashkv', 'hashes'],
    ] as const) {
      const args = ['endpoint', name, '--cluster'];
      const method = 'Maintenance.Status';
      for (const format of ['simple', 'json', 'table'] as const) {
        await this.#compare({ args, kind, method }, format, this.#nextMember());
      }
    }
    const plain = { kind: 'pairs', method: 'KV.Range' } as const;
    for (const member of this.#subject.members.keys()) {
      await this.#compareExit({ ...plain, args: ['defrag'] }, member);
    }
    await this.#moveLeader();
    const big = 'x'.repeat(1_400_000);
    await this.#compare({ ...plain, args: ['put', 'big'], input: big }, 'simple', 0);
    await this.#compare({ ...plain, args: ['get', 'big'] }, 'simple', 1);
    const huge = 'x'.repeat(1_600_000);
    await this.#compare({ ...plain, args: ['put', 'big'], input: huge }, 'simple', 0);
  }

  async runScenarios(isChosen: (name: string) => boolean): Promise<void> {
    for (const scenario of scenarios.filter(({ name }) => isChosen(name))) {
      const clusters = [this.#subject, this.#reference] as const;
      const why = await compareScenario(scenario, clusters, this.#nextMember());
      this.#report.note(`etcdctl ${scenario.name}`, why);
    }
  }

  async #moveLeader(): Promise<void> {
    const outputs = await this.#both(async (cluster) => {
      const leader = await cluster.leader();
      const other = cluster.members.find((member) => member !== leader) ?? leader;
      const status = await cluster.client(other).call('Maintenance.Status', {});
      const header = status.ok ? (status.message['header'] as Record<string, string>) : {};
      const id = BigInt(header['member_id'] ?? 0).toString(16);
      const moved = await etcdctl(leader.clientUrl, ['move-leader', id]);
      const isNow = (await cluster.leader()) === other;
      return `${moved.code} ${moved.stdout.toString().replace(/[0-9a-f]{8,16}/g, 'ID')} ${isNow}`;
    });
    this.#note('etcdctl move-leader', outputs);
  }

  async #compare(command: CommandCase, format: Format, member: number): Promise<void> {
    const args = [...command.args, `--write-out=${format}`];
    const outputs = await this.#both(async (cluster) => {
      const url = cluster.members[member]?.clientUrl ?? '';
      const input = command.input === undefined ? {} : { input: command.input };
      return comparableOutput(command, format, await etcdctl(url, args, input));
    });
    const shown = command.input === undefined ? '' : ` <<< ${JSON.stringify(command.input)}`;
    const name = `m${member + 1}: etcdctl ${args.join(' ')}${shown}`;
    this.#note(name.length > 150 ? `${name.slice(0, 150)}...` : name, outputs);
  }

  /** For a command whose text names endpoints and times only. */
  async #compareExit(command: CommandCase, member: number): Promise<void> {
    const outputs = await this.#both(async (cluster) => {
      const output = await etcdctl(cluster.members[member]?.clientUrl ?? '', command.args);
      return `exit code ${output.code}\n${output.code === 0 ? '' : output.stderr}`;
    });
    this.#note(`m${member + 1}: etcdctl ${command.args.join(' ')}`, outputs);
  }

  async #both(run: (cluster: Cluster) => Promise<string>): Promise<readonly [string, string]> {
    return Promise.all([run(this.#subject), run(this.#reference)]);
  }

  #note(name: string, [got, wanted]: readonly [string, string]): void {
    this.#report.note(
      name,
      got === wanted ? undefined : `got\n${got}\nbut etcd printed\n${wanted}`,
    );
  }

  #nextMember(): number {
    return this.#turn++ % this.#subject.members.length;
  }

  async #revision(): Promise<number> {
    const url = this.#reference.members[0]?.clientUrl ?? '';
    const output = await etcdctl(url, ['get', 'none', '--write-out=json']);
    const answer = JSON.parse(output.stdout.toString()) as { header: { revision: number } };
    return answer.header.revision;
  }
}
