import { Client } from '../../client/client.ts';
import { ClientError } from '../../client/client-error.ts';
import { overGrpcJs } from '../../client/connect.ts';
import type { PlannedMember } from './plan.ts';

/** What a member says of itself; `silent` while it cannot be asked. */
export type Role =
  | { readonly kind: 'silent' }
  | { readonly kind: 'follower' | 'leader' | 'leaderless'; readonly term: number };

/** One question is given up after this long: a stopped process holds its port and says nothing. */
const askTimeoutMs = 1000;

/** Asks one member for its role, again and again over one connection. */
export class RoleAsker {
  private readonly client: Client;

  constructor(plan: PlannedMember) {
    this.client = new Client({
      addresses: [`127.0.0.1:${plan.clientPort}`],
      timeoutMs: askTimeoutMs,
      dialTimeoutMs: askTimeoutMs,
      ...overGrpcJs,
    });
  }

  async ask(): Promise<Role> {
    try {
      const { header, leader, raftTerm } = await this.client.status();
      if (leader === 0n) return { kind: 'leaderless', term: raftTerm };
      const leads = leader === header?.memberId;
      return { kind: leads ? 'leader' : 'follower', term: raftTerm };
    } catch (error) {
      if (error instanceof ClientError) return { kind: 'silent' };
      throw error;
    }
  }

  close(): void {
    this.client.close();
  }
}
