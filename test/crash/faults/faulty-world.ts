import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mustGet } from '../../../src/base/assert.ts';
import type { Random } from '../../../src/base/random.ts';
import { RawClient } from '../../members/client.ts';
import type { Answer } from '../../members/client.ts';
import { freePorts } from '../../members/loopback.ts';
import { Member } from '../../members/member.ts';
import type { WireObject } from '../../members/protocol.ts';
import { checkpointing, threads } from '../checkpoints.ts';
import { mustAnswer } from '../client-oracle.ts';
import { draw } from '../images/image.ts';
import { Late, Lie } from '../life.ts';
import { shimEnvironment } from '../shim/build.ts';
import { FaultHistory, valueOf } from './fault-history.ts';
import type { FoundKey } from './fault-history.ts';
import { FaultyMember } from './faulty-member.ts';

/** One member, or three, whose disks can be made to fail, and clients who remember what they were told. */

const flags = [
  '--heartbeat-interval=50',
  '--election-timeout=500',
  '--snapshot-catchup-entries=50',
  '--compaction-batch-limit=100',
] as const;
const callTimeoutMs = 3_000;
/** Long: it says only that something never comes. */
const patienceMs = 40_000;
const codeResourceExhausted = 8;
const lanes = 4;
/** Several of them fill LevelDB's write buffer. */
const largeBytes = 300 * 1024;
const smallBytesMax = 2_000;

export interface WritingPlan {
  readonly count: number;
  readonly isLarge: boolean;
  readonly limitMs: number;
}

export class FaultyWorld {
  readonly members: readonly FaultyMember[];
  readonly history = new FaultHistory();
  private readonly clients: ReadonlyMap<FaultyMember, RawClient>;
  private readonly random: Random;

  private constructor(members: readonly FaultyMember[], random: Random) {
    this.members = members;
    this.random = random;
    this.clients = new Map(members.map((one) => [one, new RawClient(one.process.target)]));
  }

  static async prepare(
    folder: string,
    shim: string,
    size: number,
    random: Random,
  ): Promise<FaultyWorld> {
    mkdirSync(folder, { recursive: true });
    const ports = await freePorts(2 * size);
    const names = ['a', 'b', 'c'].slice(0, size);
    const portOf = (i: number): number => mustGet(ports[i], 'each has two ports');
    const initialCluster = names
      .map((name, i) => `${name}=http://127.0.0.1:${portOf(2 * i + 1)}`)
      .join(',');
    const members = names.map((name, i) => {
      const place = {
        dataDir: join(folder, name),
        trace: join(folder, `${name}.trace`),
        faults: join(folder, `${name}.faults`),
      };
      const process = new Member({
        program: checkpointing,
        name,
        dataDir: place.dataDir,
        logFile: join(folder, `${name}.log`),
        clientPort: portOf(2 * i),
        peerPort: portOf(2 * i + 1),
        initialCluster,
        flags,
        environment: { ...threads, ...shimEnvironment(shim, place) },
      });
      return new FaultyMember(process, place);
    });
    return new FaultyWorld(members, random);
  }

  get running(): readonly FaultyMember[] {
    return this.members.filter(({ process }) => process.isRunning);
  }

  launchAll(): void {
    for (const { process } of this.members) if (!process.isRunning) process.launch();
  }

  async end(): Promise<void> {
    for (const client of this.clients.values()) client.close();
    for (const { process } of this.members) await process.kill();
  }

  /** Until all is written, the time is over, or nobody is there. Answers how many were acknowledged. */
  async write({ count, isLarge, limitMs }: WritingPlan): Promise<number> {
    const deadline = performance.now() + limitMs;
    let left = count;
    let acknowledged = 0;
    const lane = async (): Promise<void> => {
      while (left-- > 0 && performance.now() < deadline && this.running.length > 0) {
        if ((await this.put(draw(this.running, this.random), isLarge)).ok) acknowledged++;
        else await sleep(10);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return acknowledged;
  }

  async put(member: FaultyMember, isLarge = false): Promise<Answer> {
    const key = this.history.begin(isLarge ? largeBytes : this.random.below(smallBytesMax));
    const request = { key: Buffer.from(key), value: Buffer.from(valueOf(key)) };
    const answer = await this.call(member, 'KV.Put', request);
    if (answer.ok) {
      const { revision } = answer.message['header'] as WireObject;
      this.history.acknowledge(key, Number(revision));
    } else if (answer.code === codeResourceExhausted && /space/.test(answer.text)) {
      this.history.refuse(key);
    }
    return answer;
  }

  /** What clears up among the files: it may fail, or come to no known end. */
  async tidy(): Promise<void> {
    const member = this.running[0];
    if (member === undefined) return;
    const revision = this.history.acknowledgedCount;
    if (this.random.below(2) === 0 && revision > 1) {
      await this.call(member, 'KV.Compact', { revision, physical: this.random.below(2) === 0 });
    } else {
      await this.call(member, 'Maintenance.Defragment', {});
    }
  }

  /** Tries again with another key each time. @throws Late */
  async mustWrite(among: readonly FaultyMember[], what: string): Promise<void> {
    await this.eventually(what, async () => {
      const answer = await this.put(draw(among, this.random));
      return answer.ok || among.every(({ process }) => !process.isRunning)
        ? undefined
        : `${answer.code} ${answer.text}`;
    });
  }

  /** Writes to it are refused for want of room, and it goes on. @throws Late */
  async mustBeFull(member: FaultyMember): Promise<void> {
    await this.eventually(`${member.name} does not say that it is full`, async () => {
      const answer = await this.put(member);
      if (!answer.ok && answer.code === codeResourceExhausted) return undefined;
      return answer.ok ? 'it took the write' : `${answer.code} ${answer.text}`;
    });
  }

  /** What all of them hold is what the clients were told. @throws Lie */
  async check(): Promise<void> {
    let known: string | undefined;
    for (const [member, client] of this.clients) {
      await this.mustRead(member);
      const answer = mustAnswer(await client.call('KV.Range', everything, long), 'Range');
      this.history.check(foundIn(answer));
      const { revision } = answer['header'] as WireObject;
      const hashed = await client.call('Maintenance.HashKV', { revision }, long);
      const { hash, compact_revision: compacted } = mustAnswer(hashed, 'HashKV');
      const own = `${String(hash)} at ${String(revision)} after ${String(compacted)}`;
      known ??= own;
      if (own !== known) throw new Lie(`the hash of ${member.name} is ${own}, of another ${known}`);
    }
  }

  /** A leader is there, and all that was committed before is applied. */
  private mustRead(member: FaultyMember): Promise<void> {
    return this.eventually(`${member.name} answers no reads`, async () => {
      const answer = await this.call(member, 'KV.Range', { key: Buffer.from('none') });
      return answer.ok ? undefined : `${answer.code} ${answer.text}`;
    });
  }

  private async eventually(
    what: string,
    attempt: () => Promise<string | undefined>,
  ): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const failure = await attempt();
      if (failure === undefined) return;
      if (performance.now() > deadline) throw new Late(`${what}: ${failure}`);
      await sleep(50);
    }
  }

  private call(member: FaultyMember, method: string, request: object): Promise<Answer> {
    const client = mustGet(this.clients.get(member), 'each has a client');
    return client.call(method, request, { deadlineMs: callTimeoutMs });
  }
}

const long = { deadlineMs: patienceMs } as const;
const everything = { key: Buffer.from('write-'), range_end: Buffer.from('write.') } as const;

function foundIn(answer: WireObject): readonly FoundKey[] {
  return ((answer['kvs'] ?? []) as readonly WireObject[]).map((kv) => ({
    key: Buffer.from(kv['key'] as Uint8Array).toString(),
    value: Buffer.from(kv['value'] as Uint8Array).toString(),
    modRevision: Number(kv['mod_revision']),
  }));
}
