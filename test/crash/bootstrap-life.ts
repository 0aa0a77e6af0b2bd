import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RawClient } from '../members/client.ts';
import { freePorts } from '../members/loopback.ts';
import type { WireObject } from '../members/protocol.ts';
import { dataDirOf, lonelyMember } from './booted.ts';
import { ClientHistory } from './client-history.ts';
import { judgeByHistory } from './client-life.ts';
import { mustAnswer } from './client-oracle.ts';
import type { Life, LifeOptions } from './life.ts';
import { shimEnvironment } from './shim/build.ts';
import { traceLength } from './trace-reader.ts';

/**
 * The first start of a member, and its first few writes. Power may be lost after each operation: what a member that
 * nobody has heard of has left behind must be good to start from, or be taken for nothing.
 */

const firstWrites = 6;

export async function liveThroughBootstrap(options: LifeOptions): Promise<Life> {
  const { folder, shim, faults } = options;
  const dataDir = dataDirOf(folder);
  const trace = join(folder, 'trace');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'faults'), faults);
  const [clientPort = 0, peerPort = 0] = await freePorts(2);
  const env = shimEnvironment(shim, { dataDir, trace, faults: join(folder, 'faults') });
  const member = lonelyMember(dataDir, [clientPort, peerPort], env);
  const client = new RawClient(member.target);
  const history = new ClientHistory();
  try {
    await member.start();
    for (let i = 0; i < firstWrites; i++) {
      const put = { kind: 'put', key: `first-${i % 2}`, value: `value ${i}`, lease: '0' } as const;
      const request = { key: Buffer.from(put.key), value: Buffer.from(put.value) };
      const answer = mustAnswer(await client.call('KV.Put', request), 'KV.Put');
      const { revision } = answer['header'] as WireObject;
      history.changed(traceLength(trace), Number(revision), [put]);
    }
  } finally {
    await member.kill();
    client.close();
  }
  return {
    name: 'bootstrap',
    trace,
    summary: `its first start and ${firstWrites} writes`,
    promises: history,
    isCutEverywhere: true,
    judge: (image) => judgeByHistory(history, image),
  };
}
