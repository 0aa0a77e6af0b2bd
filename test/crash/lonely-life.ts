import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RawClient } from '../members/client.ts';
import { freePorts } from '../members/loopback.ts';
import type { Member } from '../members/member.ts';
import { dataDirOf, lonelyMember } from './booted.ts';
import type { LifeOptions } from './life.ts';
import { shimEnvironment } from './shim/build.ts';

/** A member alone that is about to be started and recorded, and a client for it. */
export interface LonelyLife {
  readonly member: Member;
  readonly client: RawClient;
  readonly trace: string;
}

export async function prepareLonelyLife(options: LifeOptions): Promise<LonelyLife> {
  const { folder, shim, faults } = options;
  const dataDir = dataDirOf(folder);
  const use = { dataDir, trace: join(folder, 'trace'), faults: join(folder, 'faults') };
  mkdirSync(folder, { recursive: true });
  writeFileSync(use.faults, faults);
  const [clientPort = 0, peerPort = 0] = await freePorts(2);
  const member = lonelyMember(dataDir, [clientPort, peerPort], shimEnvironment(shim, use));
  return { member, client: new RawClient(member.target), trace: use.trace };
}
