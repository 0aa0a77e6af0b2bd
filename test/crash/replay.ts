import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize } from 'node:v8';
import { problemOf } from './campaign.ts';
import type { Kept } from './campaign.ts';
import { judgeClientsAgain } from './client-life.ts';
import type { JudgedImage, Judgement } from './life.ts';
import { judgeClusterAgain } from './cluster-oracle.ts';
import { judgePeersAgain } from './peer-life.ts';

const judges: Readonly<
  Record<string, (promises: object, image: JudgedImage) => Promise<Judgement>>
> = {
  bootstrap: judgeClientsAgain,
  clients: judgeClientsAgain,
  peers: judgePeersAgain,
  cluster: judgeClusterAgain,
};

/** Starts a member on a copy of a kept image once more, and judges it by the promises kept beside it. */
export async function replay(place: string, scratch: string): Promise<string | undefined> {
  const kept = deserialize(readFileSync(join(place, 'promises.bin'))) as Kept;
  const judge = judges[kept.life];
  if (judge === undefined) throw new Error(`${place} is of no known life: ${kept.life}`);
  const dataDir = join(scratch, 'image');
  cpSync(join(place, 'image'), dataDir, { recursive: true });
  const { promises, promisedAt, cutAt, isHarmed } = kept;
  const image = { dataDir, promisedAt, cutAt, asProcess: false, patience: 1 };
  const judgement = await judge(promises, image);
  console.log(`${judgement.outcome}${'message' in judgement ? `: ${judgement.message}` : ''}`);
  return problemOf(judgement, isHarmed);
}
