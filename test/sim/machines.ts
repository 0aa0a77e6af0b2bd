import type { Scheduler } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import type { SnapshotSink, Transport, TransportEvents } from '../../src/peer/types.ts';
import type { Message } from '../../src/raft/types.ts';
import type { ServerMember } from '../../src/server/member.ts';
import { decodeFrame } from '../../src/storage/image-frames.ts';
import { checkpointName } from '../../src/storage/checkpoint-format.ts';
import { temporarySuffix } from '../../src/storage/fs.ts';
import type { MemoryDisk } from '../../src/storage/memory-disk.ts';
import type { DiskOperation } from '../../src/storage/memory-operation.ts';
import type { ManualScheduler } from '../peer/manual-scheduler.ts';
import type { Surroundings } from '../server/cluster.ts';
import { Archive } from './archive.ts';
import type { SimDisks } from './disks.ts';
import { SimHost } from './host.ts';
import type { Judge } from './judge.ts';
import { streamOf } from './streams.ts';
import { Violation, type Probes } from './types.ts';

export interface MachinesParts {
  readonly seed: number;
  readonly time: ManualScheduler;
  readonly disks: SimDisks;
  readonly judge: Judge;
  readonly probes: Probes;
  readonly rates: readonly number[];
}

/** How long a process may run on after it has found that it must not: until its loop comes to it. */
const endingMaxMs = 5;

const afterFailureMaxMs = 2000;
/** The slowest disk answers in eight seconds (schedule.ts), and who has met a failure ends in two. */
const reliefMs = 10_000;

/** The machines that members run on, one for each name: everything that reaches a member goes through here. */
export class SimMachines implements Surroundings {
  /** Those that met something after which they may end: a disk that failed, damage, a lost disk. */
  readonly troubled = new Set<string>();
  /** Those whose data is damaged or lost: what they do is no longer held against them, save that clients believe it. */
  readonly damaged = new Set<string>();
  /** Ends that no fault explains. */
  readonly unexplained: string[] = [];
  readonly archive: Archive;
  /** The process has ended by itself, or by what it found. */
  kill: (name: string) => void = () => undefined;
  /** What befalls a member when a file of it has been written, and is to be synced. */
  readonly beforeSync = new Map<string, () => void>();
  /** How often the disk of each was filled, so that only the last relief counts. */
  private readonly filled = new Map<string, number>();
  private readonly parts: MachinesParts;
  private readonly hosts = new Map<string, SimHost>();
  private readonly rates = new Map<string, number>();
  private readonly random: Random;

  constructor(parts: MachinesParts) {
    this.parts = parts;
    this.random = streamOf(parts.seed, 'machines');
    this.archive = new Archive(streamOf(parts.seed, 'archive'), () => parts.time.nowMs());
  }

  hostOf(name: string): SimHost | undefined {
    const host = this.hosts.get(name);
    return host?.isDead === false ? host : undefined;
  }

  setRate(name: string, rate: number): void {
    this.rates.set(name, rate);
    this.hostOf(name)?.setRate(rate);
  }

  /** Its disk is full: it may end, until some time after there is room again. */
  fill(name: string): void {
    this.troubled.add(name);
    this.filled.set(name, (this.filled.get(name) ?? 0) + 1);
  }

  /** There is room again. What the disk was asked for before may still fail. */
  relieve(name: string): void {
    const count = this.filled.get(name);
    if (count === undefined || this.damaged.has(name)) return;
    this.parts.time.after(reliefMs, () => {
      if (this.filled.get(name) !== count || this.damaged.has(name)) return;
      if (this.hostOf(name)?.isPaused === true) return this.relieve(name);
      this.filled.delete(name);
      this.troubled.delete(name);
    });
  }

  resumeAll(): void {
    for (const host of this.hosts.values()) if (!host.isDead) host.resume();
  }

  isCallable(name: string): boolean {
    return this.hostOf(name)?.isPaused === false;
  }

  openClock(name: string): Scheduler {
    const number = Number(/\d+$/.exec(name)?.[0] ?? 1);
    const rate = this.rates.get(name) ?? this.parts.rates[number - 1] ?? 1;
    const host: SimHost = new SimHost(name, rate, this.parts.time, {
      fired: () => this.parts.judge.turn(name),
      threw: (error) => this.threw(name, error),
    });
    this.hosts.set(name, host);
    return host;
  }

  /** What comes to a member; while it stands still it waits. */
  events(name: string, events: TransportEvents): TransportEvents {
    const host = this.mustHost(name);
    return {
      received: (messages) => host.run(() => this.receive(name, events, messages)),
      unreachable: (id) => host.run(() => events.unreachable(id)),
      gone: (id) => host.run(() => events.gone(id)),
      asked: (from, question, answer) => host.run(() => events.asked(from, question, answer)),
      snapshotSent: (id, isDelivered) => host.run(() => events.snapshotSent(id, isDelivered)),
      snapshotOffered: (from, snapshot, term) =>
        host.isPaused
          ? 'stands still'
          : this.counting(events.snapshotOffered(from, snapshot, term)),
      refused: (id, reason, isFinal) => host.run(() => events.refused(id, reason, isFinal)),
    };
  }

  transport(name: string, inner: Transport): Transport {
    const host = this.mustHost(name);
    const { judge } = this.parts;
    return {
      send: (messages) => {
        if (host.isDead) return;
        judge.sent(name, messages);
        inner.send(messages);
      },
      sendSnapshot: (message, source) => {
        if (!host.isDead) judge.sent(name, [message]);
        inner.sendSnapshot(message, source);
      },
      setPeers: (peers, removed) => inner.setPeers(peers, removed),
      connectedPeers: () => inner.connectedPeers(),
      activePeers: (withinMs) => inner.activePeers(withinMs),
      ask: (to, question, timeoutMs, done) =>
        inner.ask(to, question, timeoutMs, (answer) => host.run(() => done(answer))),
      close: (done) => inner.close(done),
    };
  }

  asked(name: string, operation: DiskOperation, answered: () => void): void {
    const host = this.mustHost(name);
    const { delayMs, failure, isPersisted } = this.parts.disks.fateOf(name, operation);
    if (failure !== undefined) this.troubled.add(name);
    // A file that has no name yet is lost whole.
    if (operation.kind === 'sync' && !operation.path.endsWith(temporarySuffix)) {
      const before = this.beforeSync.get(name);
      this.beforeSync.delete(name);
      if (before !== undefined) this.parts.time.after(0, before);
    }
    this.parts.time.after(delayMs, () => {
      // The disk has done it, whether the process looks or not.
      if (failure === undefined || isPersisted) operation.persist();
      host.run(() => {
        answered();
        if (failure === undefined) operation.complete();
        else {
          this.parts.judge.note(name, `${operation.kind} of ${operation.path} fails`);
          operation.fail(failure);
          if (!isDispensable(operation.path)) this.expectEnd(host);
        }
        this.parts.judge.disk(name, operation.path);
      });
    });
  }

  started(name: string, member: ServerMember, disk: MemoryDisk): void {
    this.parts.judge.started({ name, member, disk });
  }

  ended(name: string, isPowerLoss: boolean): void {
    const host = this.hosts.get(name);
    // One that is told to stop finishes what it has begun.
    if (isPowerLoss && host !== undefined) host.isDead = true;
    if (!isPowerLoss) host?.resume();
    this.parts.disks.forget(name);
    this.parts.judge.ended(name, isPowerLoss);
  }

  fatal(name: string, reason: string): void {
    const { judge, time } = this.parts;
    judge.note(name, `must not go on: ${reason}`);
    const isExpected = this.troubled.has(name) || removed.test(reason);
    if (!isExpected) this.unexplained.push(`${name} ended: ${reason}`);
    const host = this.hosts.get(name);
    time.after(this.random.below(endingMaxMs + 1), () => {
      if (host === this.hosts.get(name) && host?.isDead === false) this.kill(name);
    });
  }

  /** Hands messages in again that came long ago, some of them from other terms. */
  redeliver(name: string, messages: readonly Message[]): void {
    const host = this.hostOf(name);
    const member = this.parts.judge.members.get(name)?.member;
    if (host === undefined || member === undefined || messages.length === 0) return;
    host.run(() => this.receive(name, member, messages));
  }

  /** What a failed write has left is unknown: who goes on after it lies. */
  private expectEnd(host: SimHost): void {
    this.parts.time.after(afterFailureMaxMs, () => {
      const isGone = host.isDead || this.hosts.get(host.name) !== host;
      if (!isGone && !host.isPaused && this.parts.judge.members.has(host.name)) {
        this.unexplained.push(`${host.name} goes on after a write has failed`);
      }
    });
  }

  /** Tells of a snapshot whose rows come in more than one chunk. */
  private counting(sink: SnapshotSink | string): SnapshotSink | string {
    if (typeof sink === 'string') return sink;
    let chunks = 0;
    return {
      write: (chunk, done) => {
        if (decodeFrame(chunk)?.kind === 'rows') chunks++;
        sink.write(chunk, done);
      },
      end: (done) => {
        if (chunks > 1) this.parts.probes.sometimes('snapshot received in several chunks');
        sink.end(done);
      },
      abort: () => sink.abort(),
    };
  }

  private receive(
    name: string,
    events: Pick<TransportEvents, 'received'>,
    messages: readonly Message[],
  ): void {
    for (const message of messages) this.archive.keep(name, message);
    events.received(messages);
    for (const message of messages) this.parts.judge.message(name, message);
  }

  /** Damaged data may make a member stop by an assertion; anything else that throws is a bug. */
  private threw(name: string, error: unknown): void {
    if (error instanceof Violation || !this.damaged.has(name)) throw error;
    this.parts.judge.note(name, `stops: ${String(error)}`);
    this.kill(name);
  }

  private mustHost(name: string): SimHost {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`${name} has no machine`);
    return host;
  }
}

const removed = /permanently removed/;

/** A checkpoint that cannot be written is given up; no promise hangs on it. */
function isDispensable(path: string): boolean {
  return path.includes(checkpointName);
}
