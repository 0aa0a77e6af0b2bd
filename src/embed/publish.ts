import type { Scheduler } from '../base/clock.ts';
import { noMember } from '../raft/types.ts';
import type { ServerMember } from '../server/member.ts';
import { CommandKind } from '../wire/command.ts';
import { MemberAttributes } from '../wire/membership.ts';

/** etcd's wait between attempts is the request time-out; this comes on top of it. */
const retryMs = 500;

/** How often the record is looked at: an entry that came in a snapshot answers no proposal. */
const lookMs = 250;

/**
 * Publishes what a member says of itself (name, client URLs, incarnation) through the log, again until its record
 * says so: publishing the same twice changes nothing. `published` means that there is a leader and a quorum.
 */
export function publishUntilApplied(
  member: ServerMember,
  attributes: MemberAttributes,
  scheduler: Scheduler,
  published: () => void,
): void {
  const request = MemberAttributes.encode(attributes);
  // What an earlier start has published proves nothing of this one.
  const wasRecorded = isRecorded(member, attributes);
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    published();
  };
  const attempt = (): void => {
    if (isOver || member.hasStopped) return;
    member.propose(CommandKind.publishMember, request, (outcome) => {
      if (outcome.ok) end();
      else scheduler.after(retryMs, attempt);
    });
  };
  const look = (): void => {
    if (isOver || member.hasStopped) return;
    if (member.lead !== noMember && isRecorded(member, attributes)) end();
    else scheduler.after(lookMs, look);
  };
  attempt();
  if (!wasRecorded) look();
}

function isRecorded(member: ServerMember, attributes: MemberAttributes): boolean {
  const own = member.record.find(({ id }) => id === attributes.memberId);
  return (
    own?.name === attributes.name &&
    own.incarnation === attributes.incarnation &&
    own.clientUrls.join() === attributes.clientUrls.join()
  );
}
