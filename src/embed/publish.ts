import type { Scheduler } from '../base/clock.ts';
import { noMember } from '../raft/types.ts';
import type { ServerMember } from '../server/member.ts';
import { CommandKind } from '../wire/command.ts';
import { MemberAttributes } from '../wire/membership.ts';

/**
 * From one attempt to the next while there is a leader. What is forwarded to one whose link is not open yet is lost,
 * and would be answered only by its time-out.
 */
const retryMs = 1000;

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
  let unanswered = 0;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    published();
  };
  const attempt = (): void => {
    if (isOver || member.hasStopped) return;
    if (unanswered === 0 || member.lead !== noMember) {
      unanswered++;
      member.propose(CommandKind.publishMember, request, (outcome) => {
        unanswered--;
        if (outcome.ok) end();
      });
    }
    scheduler.after(retryMs, attempt);
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
