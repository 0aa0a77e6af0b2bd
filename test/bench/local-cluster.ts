import { join } from 'node:path';
import { createHandlers } from '../../src/api/services.ts';
import { Readiness } from '../../src/api/readiness.ts';
import { defaultServerConfig } from '../../src/config/server-config.ts';
import { bootstrapCluster } from '../../src/embed/bootstrap.ts';
import { memberSettings } from '../../src/embed/settings.ts';
import type { Handlers } from '../../src/grpc/types.ts';
import { silentLogger } from '../../src/host/logger.ts';
import { createMetrics } from '../../src/host/metrics-registry.ts';
import { randomNonce, systemRandom } from '../../src/host/random.ts';
import { systemScheduler } from '../../src/host/scheduler.ts';
import { encodeBatch } from '../../src/peer/messages.ts';
import { MessagesRequest } from '../../src/peer/messages.ts';
import type { Transport, TransportEvents } from '../../src/peer/types.ts';
import type { Message } from '../../src/raft/types.ts';
import { AppliedStateLoader } from '../../src/server/applied-state.ts';
import { ServerMember } from '../../src/server/member.ts';
import { createDataDir, openDataDir } from '../../src/storage/data-dir-open.ts';
import { machineDisk } from '../../src/storage/machine-disk.ts';

/** Whole members in this process on real disks and real time, linked by frames of bytes without a network. */

export interface LocalMember {
  readonly member: ServerMember;
  readonly handlers: Handlers;
}

function fail(reason: unknown): never {
  throw new Error(`a member has failed: ${String(reason)}`);
}

export class LocalCluster {
  readonly members: LocalMember[] = [];
  private readonly links = new Map<bigint, TransportEvents>();

  /** Resolves when there is a leader that every member knows. */
  static async start(size: number, dir: string): Promise<LocalCluster> {
    const cluster = new LocalCluster();
    const names = Array.from({ length: size }, (_, i) => `m${i + 1}`);
    const initial = names.map((name, i) => ({ name, peerUrl: `http://localhost:${i + 1}` }));
    for (const name of names) {
      const { clusterId, memberId, entries, hardState } = bootstrapCluster(name, initial, 'bench');
      const options = {
        path: join(dir, name),
        disk: machineDisk,
        scheduler: systemScheduler,
        fatal: fail,
      };
      const identity = { clusterId, memberId, incarnation: memberId };
      await createDataDir({ ...options, identity, entries, hardState });
      const loader = new AppliedStateLoader();
      const onRows = loader.feed.bind(loader);
      const dataDir = await openDataDir({ ...options, onRows, checkpoint: loader.checkpoint });
      cluster.members.push(cluster.open(dataDir, loader));
    }
    for (const { member } of cluster.members) member.start();
    while (cluster.members.some(({ member }) => member.lead === 0n)) await pause(20);
    return cluster;
  }

  async stop(): Promise<void> {
    for (const { member } of this.members) {
      await new Promise<void>((resolve) => {
        member.stop(resolve);
      });
    }
  }

  private open(
    dataDir: Awaited<ReturnType<typeof openDataDir>>,
    loader: AppliedStateLoader,
  ): LocalMember {
    const metrics = createMetrics();
    const config = defaultServerConfig();
    const member = new ServerMember({
      dataDir,
      loader,
      settings: memberSettings(config),
      host: {
        scheduler: systemScheduler,
        random: systemRandom,
        logger: silentLogger,
        metrics,
        nonce: randomNonce(),
        unixTimeMs: () => Date.now(),
      },
      openTransport: (events) => this.join(dataDir.identity.memberId, events),
      onFatal: fail,
      onRemoved: fail,
    });
    const readiness = new Readiness();
    readiness.markReady();
    const handlers = createHandlers({
      member,
      metrics,
      scheduler: systemScheduler,
      limits: { requestBytesMax: config.maxRequestBytes, txnOpsMax: config.maxTxnOps },
      electionTimeoutMs: config.electionTimeoutMs,
      readiness,
    });
    return { member, handlers };
  }

  private join(memberId: bigint, events: TransportEvents): Transport {
    this.links.set(memberId, events);
    const others = (): ReadonlySet<bigint> =>
      new Set([...this.links.keys()].filter((id) => id !== memberId));
    const waiting = new Map<bigint, Message[]>();
    const flush = (): void => {
      for (const [to, messages] of waiting) this.deliver(to, encodeBatch(messages));
      waiting.clear();
    };
    return {
      send: (messages) => {
        if (waiting.size === 0) setImmediate(flush);
        for (const message of messages) {
          const queue = waiting.get(message.to);
          if (queue === undefined) waiting.set(message.to, [message]);
          else queue.push(message);
        }
      },
      sendSnapshot: () => fail('no snapshot is expected'),
      setPeers: () => undefined,
      connectedPeers: others,
      activePeers: others,
      ask: () => fail('no question is expected'),
      close: (done) => done(),
    };
  }

  private deliver(to: bigint, frame: Uint8Array): void {
    setImmediate(() => {
      const { request } = MessagesRequest.decode(frame);
      if (request?.case !== 'batch') fail('a frame without messages');
      else this.links.get(to)?.received(request.value.messages);
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
