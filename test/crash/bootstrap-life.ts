import type { WireObject } from '../members/protocol.ts';
import { ClientHistory } from './client-history.ts';
import { judgeByHistory } from './client-life.ts';
import { mustAnswer } from './client-oracle.ts';
import type { Life, LifeOptions } from './life.ts';
import { prepareLonelyLife } from './lonely-life.ts';
import { traceLength } from './trace-reader.ts';

/**
 * The first start of a member, and its first few writes. Power may be lost after each operation: what a member that
 * nobody has heard of has left behind must be good to start from, or be taken for nothing.
 */

const firstWrites = 6;

export async function liveThroughBootstrap(options: LifeOptions): Promise<Life> {
  const { member, client, trace } = await prepareLonelyLife(options);
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
