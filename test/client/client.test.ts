import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { ClientError } from '../../src/client/client-error.ts';
import { Client } from '../../src/client/client.ts';
import type { GrpcChannel } from '../../src/grpc/types.ts';
import { PutResponse } from '../../src/wire/kv.ts';

interface World {
  /** Addresses where something listens. */
  readonly listening: Set<string>;
  /** What a call at an address answers with; OK when absent. */
  readonly codes: Map<string, number>;
  readonly calls: string[];
  readonly closed: string[];
}

function world(...listening: readonly string[]): World {
  return { listening: new Set(listening), codes: new Map(), calls: [], closed: [] };
}

function clientOf(around: World, ...addresses: readonly string[]): Client {
  const channelTo = (address: string): GrpcChannel => ({
    unary: (path, _request, _options, done) => {
      around.calls.push(`${address}${path}`);
      const code = around.codes.get(address) ?? 0;
      done({
        status: { code, text: 'x' },
        message: code === 0 ? PutResponse.encode({}) : undefined,
      });
    },
    stream: () => {
      throw new Error('no stream is expected');
    },
    close: () => void around.closed.push(address),
  });
  return new Client({
    addresses,
    timeoutMs: 250,
    dialTimeoutMs: 100,
    openChannel: channelTo,
    probe: (address) =>
      around.listening.has(address) ? Promise.resolve() : Promise.reject(new Error('refused')),
  });
}

const put = { key: utf8('a'), value: utf8('1') };
const putPath = '/etcdserverpb.KV/Put';
const unavailable = 14;

describe('the caller', () => {
  it('stays with the first address that accepts a connection', async () => {
    const around = world('h2', 'h3');
    const client = clientOf(around, 'h1', 'h2', 'h3');
    await client.put(put);
    around.listening.add('h1');
    await client.put(put);
    assert.deepEqual(around.calls, [`h2${putPath}`, `h2${putPath}`]);
  });

  it('never sends a request a second time', async () => {
    const around = world('h1', 'h2');
    around.codes.set('h1', unavailable);
    await assert.rejects(clientOf(around, 'h1', 'h2').put(put), { code: unavailable });
    assert.deepEqual(around.calls, [`h1${putPath}`]);
  });

  it('looks for an address again after one has become unavailable', async () => {
    const around = world('h1', 'h2');
    around.codes.set('h1', unavailable);
    const client = clientOf(around, 'h1', 'h2');
    await assert.rejects(client.put(put), ClientError);
    around.listening.delete('h1');
    await client.put(put);
    assert.deepEqual(around.calls, [`h1${putPath}`, `h2${putPath}`]);
    assert.deepEqual(around.closed, ['h1']);
  });

  it('keeps its connection after any other error', async () => {
    const around = world('h1');
    around.codes.set('h1', 3);
    const client = clientOf(around, 'h1');
    await assert.rejects(client.put(put), { code: 3 });
    assert.deepEqual(around.closed, []);
  });

  it('waits for a server that is just starting, as long as the call may take', async () => {
    const around = world();
    setTimeout(() => around.listening.add('h1'), 50);
    await clientOf(around, 'h1').put(put);
    assert.deepEqual(around.calls, [`h1${putPath}`]);
    await assert.rejects(clientOf(world(), 'h1').put(put), {
      message: 'context deadline exceeded',
      detail: 'h1: refused',
    });
  });
});
