import { mustSucceed } from '../../members/client.ts';
import type { Cluster } from '../../members/harness.ts';
import type { Member } from '../../members/member.ts';
import type { WireObject } from '../../members/protocol.ts';
import type { Format, OutputKind } from './cases.ts';
import { comparableOutput, errorsOf, type Output } from './output.ts';
import { etcdctl, RunningEtcdctl, type EtcdctlOptions } from './process.ts';

/** A few commands, and what happens between them, in one order; run on two clusters that must tell the same. */
export interface Scenario {
  readonly name: string;
  readonly run: (script: Script) => Promise<void>;
}

/** What one cluster told while a scenario ran on it, with what is its own replaced by names. */
export class Script {
  readonly cluster: Cluster;
  readonly #member: Member;
  readonly #names = new Map<string, string>();
  readonly #running: RunningEtcdctl[] = [];
  #told = '';

  /** `turn`: commands go to the member of that number unless they name another. */
  constructor(cluster: Cluster, turn: number) {
    this.cluster = cluster;
    this.#member = cluster.members[turn % cluster.members.length] as Member;
  }

  get told(): string {
    return this.#told;
  }

  get member(): Member {
    return this.#member;
  }

  /** Runs etcdctl to its end and tells what it printed. */
  async run(
    line: string,
    options: EtcdctlOptions & { readonly on?: string } = {},
  ): Promise<Output> {
    const output = await this.read(line, options);
    this.tell(`$ etcdctl ${line}`, output);
    return output;
  }

  /** The same, and leaves it to the caller to tell it. */
  read(line: string, options: EtcdctlOptions & { readonly on?: string } = {}): Promise<Output> {
    return etcdctl(options.on ?? this.#member.clientUrl, words(line), options);
  }

  /** Runs a command about members and tells its output without what belongs to the cluster. */
  async compare(line: string, kind: OutputKind, format: Format): Promise<void> {
    const command = { args: words(line), kind, method: 'Maintenance.Status' };
    const output = await this.read(`${line} --write-out=${format}`);
    this.tell(`$ etcdctl ${line} -w ${format}\n${comparableOutput(command, format, output)}`);
  }

  /** Starts one that stays; it is killed with the scenario if it has not ended by then. */
  start(line: string, environment: Readonly<Record<string, string>> = {}): RunningEtcdctl {
    const running = new RunningEtcdctl(this.#member.clientUrl, words(line), environment);
    this.#running.push(running);
    return running;
  }

  /** Interrupts it as Ctrl-C does, waits for its end and tells what it printed. */
  async interrupt(running: RunningEtcdctl, what: string): Promise<void> {
    running.signal('SIGINT');
    this.tell(what, await running.ended());
  }

  /** Calls a method without etcdctl. */
  async call(method: string, request: object): Promise<WireObject> {
    return mustSucceed(await this.cluster.client(this.#member).call(method, request));
  }

  async put(key: string, value: string, fields: object = {}): Promise<number> {
    const request = { key: Buffer.from(key), value: Buffer.from(value), ...fields };
    return revisionOf(await this.call('KV.Put', request));
  }

  async revision(): Promise<number> {
    return revisionOf(await this.call('KV.Range', { key: Buffer.from('none') }));
  }

  async delete(key: string, rangeEnd = ''): Promise<void> {
    const request = { key: Buffer.from(key), range_end: Buffer.from(rangeEnd) };
    await this.call('KV.DeleteRange', request);
  }

  tell(what: string, output?: Output): void {
    this.#told += `${this.#masked(what)}\n`;
    if (output === undefined) return;
    const lines = [output.stdout.toString(), errorsOf(output.stderr), `exit code ${output.code}`];
    for (const text of lines) if (text !== '') this.#told += `${this.#masked(text.trimEnd())}\n`;
  }

  end(): void {
    for (const running of this.#running) running.signal('SIGKILL');
  }

  /**
   * Ids (cluster, member, lease: in decimal or hex, or inside keys in base64), addresses and terms belong to
   * the cluster; the same one gets the same name wherever it shows up again.
   */
  #masked(text: string): string {
    return (
      text
        .replace(/"([\w+/]{16,}=*)"/g, (whole, base64: string) => {
          const decoded = Buffer.from(base64, 'base64').toString('latin1');
          return /\/[0-9a-f]{12,16}$/.test(decoded) ? JSON.stringify(decoded) : whole;
        })
        .replace(/\b\d{14,20}\b/g, (id) => this.#nameOf(BigInt(id).toString(16)))
        // A short one is padded with zeros or with spaces.
        .replace(
          /( ?) *\b([0-9a-f]{12,16})\b/g,
          (_, space: string, id: string) => space + this.#nameOf(id.replace(/^0+/, '')),
        )
        .replace(/127\.0\.0\.1:\d+/g, (address) => this.#nameOf(address))
        .replace(/(took |"took":")\d[\w.µ]*/g, '$1TIME')
        // The text form of a message has one or two spaces, by chance of the build.
        .replace(/(memberID:\S+) +alarm/g, '$1 alarm')
        .replace(/("raft_term":|"RaftTerm" : )[1-9]\d*/g, '$1TERM')
        .replace(/(remaining\(|"ttl":|"TTL" : )(\d+)/gi, (_, field: string, seconds: string) =>
          Number(seconds) >= roughlySeconds
            ? `${field}about ${roughly(Number(seconds))}`
            : `${field}${seconds}`,
        )
    );
  }

  #nameOf(own: string): string {
    const known = this.#names.get(own);
    if (known !== undefined) return known;
    const name = `<${this.#names.size + 1}>`;
    this.#names.set(own, name);
    return name;
  }
}

/** Times to live of this many seconds and more are compared to the nearest ten: time passes. */
const roughlySeconds = 20;
const roughly = (seconds: number): number => Math.round(seconds / 10) * 10;

/** Words of a command line; what stands in single quotes is one word. */
function words(line: string): readonly string[] {
  return (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'|'$/g, ''));
}

export function revisionOf(message: WireObject): number {
  return Number((message['header'] as WireObject)['revision']);
}

/** Runs a scenario on both and answers what differs, if anything. */
export async function compareScenario(
  scenario: Scenario,
  [subject, reference]: readonly [Cluster, Cluster],
  turn: number,
): Promise<string | undefined> {
  await alignRevisions(subject, reference);
  const scripts = [new Script(subject, turn), new Script(reference, turn)] as const;
  const [failure, brokenBy] = await Promise.all(scripts.map((script) => play(scenario, script)));
  if (brokenBy !== undefined) return `with etcd itself: ${brokenBy}`;
  if (failure !== undefined) return failure;
  const [got, wanted] = scripts.map((script) => script.told);
  return got === wanted ? undefined : describeDifference(got ?? '', wanted ?? '');
}

/** Answers why the scenario could not go on to its end. */
async function play(scenario: Scenario, script: Script): Promise<string | undefined> {
  try {
    await scenario.run(script);
    return undefined;
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\nafter\n${script.told}`;
  } finally {
    script.end();
  }
}

/** So that one scenario that failed does not shift the revisions of all that follow. */
async function alignRevisions(subject: Cluster, reference: Cluster): Promise<void> {
  const scripts = [new Script(subject, 0), new Script(reference, 0)] as const;
  const at = await Promise.all(scripts.map((script) => script.put('aligned', '')));
  const newest = Math.max(...at);
  for (const [i, script] of scripts.entries()) {
    for (let revision = at[i] ?? newest; revision < newest; revision++) {
      await script.put('aligned', '');
    }
  }
}

const contextLines = 4;

function describeDifference(got: string, wanted: string): string {
  const [a, b] = [got.split('\n'), wanted.split('\n')];
  const first = a.findIndex((line, i) => line !== b[i]);
  const from = Math.max(0, (first < 0 ? a.length : first) - contextLines);
  const shown = (lines: readonly string[]): string =>
    lines.slice(from, from + 3 * contextLines).join('\n');
  return `got\n${shown(a)}\nbut etcd printed\n${shown(b)}`;
}
