import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { mustGet } from '../../src/base/assert.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { defaultServerConfig } from '../../src/config/server-config.ts';
import { bootstrapCluster } from '../../src/embed/bootstrap.ts';
import { memberSettings } from '../../src/embed/settings.ts';
import { silentLogger } from '../../src/host/logger.ts';
import { createMetrics } from '../../src/host/metrics-registry.ts';
import { randomNonce, systemRandom } from '../../src/host/random.ts';
import { systemScheduler } from '../../src/host/scheduler.ts';
import { MemoryNetwork } from '../../src/peer/memory-transport.ts';
import { AppliedStateLoader } from '../../src/server/applied-state.ts';
import { ServerMember } from '../../src/server/member.ts';
import { createDataDir, openDataDir } from '../../src/storage/data-dir-open.ts';
import { machineDisk } from '../../src/storage/machine-disk.ts';
import { CommandKind } from '../../src/wire/command.ts';
import { PutRequest, RangeRequest } from '../../src/wire/kv.ts';
import { LeaseGrantRequest } from '../../src/wire/lease.ts';
import { scratchFolder } from '../members/loopback.ts';

/**
 * Many leases that end together, on real disks and in real time: how long the event loop is held, and what
 * becomes of Puts meanwhile. All members share this process and its one loop, so that three weigh more here than
 * they do on three machines.
 *
 *     node dist/test/server/lease-storm.js --leases 100000 --members 1 --seconds 60
 *
 * The leases end so many seconds after the start; granting them has to be over well before.
 */

interface Figures {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the main thread between two looks 2 ms apart: what one turn of the loop takes at most. */
  readonly longestTurnCpuMs: number;
}

const grantsInFlight = 2000;
const putPauseMs = 5;

class Storm {
  private readonly members: readonly ServerMember[];
  private readonly folder: string;

  private constructor(members: readonly ServerMember[], folder: string) {
    this.members = members;
    this.folder = folder;
  }

  static async open(size: number): Promise<Storm> {
    const folder = scratchFolder('lease-storm');
    const network = new MemoryNetwork(systemScheduler);
    const names = Array.from({ length: size }, (_, i) => `m${i + 1}`);
    const initial = names.map((name, i) => ({ name, peerUrl: `http://localhost:${i + 1}` }));
    const members: ServerMember[] = [];
    for (const name of names) {
      const { memberId, clusterId, entries, hardState } = bootstrapCluster(name, initial, 'storm');
      const path = join(folder, name);
      const options = { path, disk: machineDisk, scheduler: systemScheduler, fatal };
      const identity = { clusterId, memberId, incarnation: memberId };
      await createDataDir({ ...options, identity, entries, hardState });
      const loader = new AppliedStateLoader();
      const dataDir = await openDataDir({
        ...options,
        onRows: (rows, state) => loader.feed(rows, state),
        checkpoint: loader.checkpoint,
      });
      const member = new ServerMember({
        dataDir,
        loader,
        settings: memberSettings(defaultServerConfig()),
        host: {
          scheduler: systemScheduler,
          random: systemRandom,
          logger: silentLogger,
          metrics: createMetrics(),
          nonce: randomNonce(),
          unixTimeMs: () => Date.now(),
        },
        openTransport: (events) => network.join(dataDir.identity, events),
        onFatal: (reason) => fatal(new Error(reason)),
        onRemoved: () => undefined,
      });
      members.push(member);
    }
    for (const member of members) member.start();
    return new Storm(members, folder);
  }

  async close(): Promise<void> {
    for (const member of this.members) {
      await new Promise<void>((resolve) => member.stop(resolve));
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async leader(): Promise<ServerMember> {
    while (!this.members.some(({ isLeader }) => isLeader)) await sleep(10);
    return mustGet(
      this.members.find(({ isLeader }) => isLeader),
      'no leader',
    );
  }

  /** Leases with a key each that end when `endMs` comes. */
  async grant(count: number, endMs: number): Promise<void> {
    const leader = await this.leader();
    let next = 0;
    const one = async (): Promise<void> => {
      while (next < count) {
        const id = BigInt(++next);
        const ttl = Math.max(2, Math.ceil((endMs - performance.now()) / 1000));
        await propose(leader, CommandKind.leaseGrant, LeaseGrantRequest.encode({ id, ttl }));
        await put(leader, `lease/${id}`, id);
      }
    };
    await Promise.all(Array.from({ length: grantsInFlight }, one));
  }

  /** Puts, one after the other, until it is over. */
  async measure(isOver: () => boolean): Promise<Figures> {
    const leader = await this.leader();
    const tookMs: number[] = [];
    const turns = watchTurns();
    for (let i = 0; !isOver(); i++) {
      const startedMs = performance.now();
      await put(leader, `put/${i % 100}`, 0n);
      tookMs.push(performance.now() - startedMs);
      await sleep(putPauseMs);
    }
    const sorted = tookMs.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    return {
      count: sorted.length,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      longestTurnCpuMs: turns.end(),
    };
  }
}

/** Keys of leases that are still there. */
function leasedKeys(member: ServerMember): number {
  let count = 0;
  const request = { key: utf8('lease/'), rangeEnd: utf8('lease0'), countOnly: true };
  member.range(RangeRequest.create(request), (outcome) => {
    if (outcome.ok) ({ count } = outcome.value);
  });
  return count;
}

function fatal(error: Error): void {
  throw error;
}

function propose(member: ServerMember, kind: CommandKind, request: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    member.propose(kind, request, (outcome) => {
      if (outcome.ok) resolve();
      else reject(new Error(outcome.error.text));
    });
  });
}

function put(member: ServerMember, key: string, lease: bigint): Promise<void> {
  const fields = { key: utf8(key), value: new Uint8Array(64), lease };
  return propose(member, CommandKind.put, PutRequest.encode(PutRequest.create(fields)));
}

/** Linux only: elsewhere the answer is 0. */
function watchTurns(): { readonly end: () => number } {
  const cpuMs = (): number => {
    try {
      const text = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1');
      return Number(text.split(' ')[0]) / 1e6;
    } catch {
      return 0;
    }
  };
  let longest = 0;
  let last = cpuMs();
  const timer = setInterval(() => {
    const now = cpuMs();
    longest = Math.max(longest, now - last);
    last = now;
  }, 2);
  return {
    end: () => {
      clearInterval(timer);
      return longest;
    },
  };
}

function print(what: string, { count, p50Ms, p99Ms, longestTurnCpuMs }: Figures): void {
  const figures = [p50Ms, p99Ms, longestTurnCpuMs].map((ms) => ms.toFixed(1));
  const [p50, p99, turn] = figures;
  console.log(`${what}: ${count} Puts, p50 ${p50} ms, p99 ${p99} ms, longest turn ${turn} ms CPU`);
}

async function main(leases: number, size: number, seconds: number): Promise<void> {
  const storm = await Storm.open(size);
  const leader = await storm.leader();
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;
  await storm.grant(leases, endMs);
  const grantSeconds = (performance.now() - startedMs) / 1000;
  console.log(`${leases} leases with a key each in ${grantSeconds.toFixed(1)} s`);
  print('before', await storm.measure(() => performance.now() > endMs - 1000));
  while (leasedKeys(leader) === leases) await sleep(10);
  const stormMs = performance.now();
  print('storm', await storm.measure(() => leasedKeys(leader) === 0));
  console.log(`all gone in ${((performance.now() - stormMs) / 1000).toFixed(1)} s`);
  const afterMs = performance.now();
  print('after', await storm.measure(() => performance.now() > afterMs + 5000));
  await storm.close();
}

const { values } = parseArgs({
  options: {
    leases: { type: 'string', default: '100000' },
    members: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
  },
});
await main(Number(values.leases), Number(values.members), Number(values.seconds));
