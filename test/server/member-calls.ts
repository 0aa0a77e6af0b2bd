import assert from 'node:assert/strict';
import type { ServerMember } from '../../src/server/member.ts';
import { CommandKind } from '../../src/wire/command.ts';
import type { Outcome } from '../../src/wire/errors.ts';
import { AlarmAction, AlarmRequest } from '../../src/wire/maintenance.ts';
import type { MemoryCluster } from './cluster.ts';

/** What tests ask of members in memory, in short form. */

export function leaderOf(cluster: MemoryCluster): ServerMember {
  cluster.until('a leader', () => cluster.leader !== undefined);
  assert.ok(cluster.leader !== undefined);
  return cluster.leader;
}

/** "ok", or the text of the refusal. */
export function textOf(outcome: Outcome<unknown>): string {
  return outcome.ok ? 'ok' : outcome.error.text;
}

export function send(
  cluster: MemoryCluster,
  member: ServerMember,
  kind: CommandKind,
  request: Uint8Array,
): string {
  return textOf(cluster.answer((done) => member.propose(kind, request, done)));
}

/** All alarms in force. */
export function disarm(cluster: MemoryCluster, member: ServerMember): void {
  for (const alarm of member.alarms()) {
    const request = AlarmRequest.encode({ action: AlarmAction.DEACTIVATE, ...alarm });
    assert.equal(send(cluster, member, CommandKind.alarm, request), 'ok');
  }
}
