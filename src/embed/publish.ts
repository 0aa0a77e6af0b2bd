import type { Scheduler } from '../base/clock.ts';
import type { ServerMember } from '../server/member.ts';
import { CommandKind } from '../wire/command.ts';
import { MemberAttributes } from '../wire/membership.ts';

/** etcd's wait between attempts is the request time-out; this comes on top of it. */
const retryMs = 500;

/**
 * Publishes what a member says of itself (name, client URLs, incarnation) through the log, again until it has been
 * applied: publishing the same twice changes nothing. `published` means that there is a leader and a quorum.
 */
export function publishUntilApplied(
  member: ServerMember,
  attributes: MemberAttributes,
  scheduler: Scheduler,
  published: () => void,
): void {
  const request = MemberAttributes.encode(attributes);
  const attempt = (): void =>
    member.propose(CommandKind.publishMember, request, (outcome) => {
      if (outcome.ok) published();
      else if (!member.hasStopped) scheduler.after(retryMs, attempt);
    });
  attempt();
}
