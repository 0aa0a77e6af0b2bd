import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/base/random.ts';
import { openChannel } from '../../src/grpc/engines.ts';
import { RawClient } from '../members/client.ts';
import { methodNamed } from '../members/protocol.ts';

/** What clients do in a day, each visit on a connection of its own, ended well or badly. */

const keys = 500;
const valueBytesMax = 4_000;

export interface Visitor {
  readonly random: Random;
  readonly target: string;
  /** Another member: what one writes the other may watch. */
  readonly other: string;
}

type Visit = (visitor: Visitor) => Promise<void>;

const key = (random: Random): Buffer => Buffer.from(`soak/${random.below(keys)}`);
const all = { key: Buffer.from('soak/'), range_end: Buffer.from('soak0') };

const write = (random: Random): object => ({
  key: key(random),
  value: Buffer.alloc(random.below(valueBytesMax), 'v'),
});

async function calls({ random, target }: Visitor): Promise<void> {
  const client = new RawClient(target);
  for (let i = random.below(20); i >= 0; i--) {
    await client.call('KV.Put', write(random));
    await client.call('KV.Range', random.below(5) === 0 ? all : { key: key(random) });
    await client.call('KV.DeleteRange', { key: key(random), prev_kv: true });
    const then = [{ request_put: write(random) }, { request_range: { key: key(random) } }];
    await client.call('KV.Txn', { success: then });
  }
  client.close();
}

/** Watches are canceled, ended, or left to their connection. */
async function watches({ random, target, other }: Visitor): Promise<void> {
  const client = new RawClient(target);
  const writer = new RawClient(other);
  const streams = Array.from({ length: 1 + random.below(4) }, () => client.open('Watch.Watch'));
  for (const stream of streams) {
    stream.listen(
      () => undefined,
      () => undefined,
    );
    for (let i = 0; i < 5; i++) {
      stream.send({ create_request: { ...all, prev_kv: i === 0, watch_id: String(i + 1) } });
    }
  }
  for (let i = 0; i < 5; i++) await writer.call('KV.Put', write(random));
  for (const stream of streams) {
    stream.send({ cancel_request: { watch_id: '1' } });
    if (random.below(2) === 0) stream.cancel();
    else stream.halfClose();
  }
  await sleep(random.below(10));
  client.close();
  writer.close();
}

async function leases({ random, target }: Visitor): Promise<void> {
  const client = new RawClient(target);
  const granted = await client.call('Lease.LeaseGrant', { TTL: 3 });
  const id = granted.ok ? String(granted.message['ID']) : '0';
  await client.call('KV.Put', { ...write(random), lease: id });
  const stream = client.open('Lease.LeaseKeepAlive');
  stream.listen(
    () => undefined,
    () => undefined,
  );
  for (let i = 0; i < 3; i++) stream.send({ ID: id });
  await sleep(random.below(20));
  // The others expire.
  if (random.below(2) === 0) await client.call('Lease.LeaseRevoke', { ID: id });
  client.close();
}

/** Deadlines that pass, on our own channel: of calls that are answered, and of one that waits. */
async function deadlines({ random, target }: Visitor): Promise<void> {
  const channel = openChannel('fast', { addresses: [target], reconnectMaxMs: 1000 });
  const put = methodNamed('KV.Put');
  const lock = methodNamed('Lock.Lock');
  const name = Buffer.from(`soak-lock/${random.below(3)}`);
  const requests = [
    ...Array.from({ length: 10 }, () => [put, write(random)] as const),
    [lock, { name, lease: '0' }] as const,
  ];
  await Promise.all(
    requests.map(([method, request], i) => {
      const timeoutMs = method === put ? 1 + i : 50;
      return new Promise<void>((resolve) => {
        const bytes = new Uint8Array(method.requestSerialize(request));
        channel.unary(method.path, bytes, { timeoutMs }, () => resolve());
      });
    }),
  );
  channel.close();
}

/** The connection breaks in the middle of everything. */
async function breaks({ random, target }: Visitor): Promise<void> {
  const client = new RawClient(target);
  const under = Array.from({ length: 20 }, () => client.call('KV.Range', all, { deadlineMs: 500 }));
  under.push(client.call('KV.Put', write(random), { deadlineMs: 500 }));
  await sleep(random.below(5));
  client.close();
  await Promise.all(under);
}

export const allVisits: readonly Visit[] = [calls, watches, leases, deadlines, breaks];
