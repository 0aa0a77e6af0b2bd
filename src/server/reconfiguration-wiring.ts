import type { Membership } from '../membership/membership.ts';
import { describeRemoved } from '../peer/handshake.ts';
import type { Transport } from '../peer/types.ts';
import type { Raft } from '../raft/raft.ts';
import type { MemberId } from '../raft/types.ts';
import type { EtcdError } from '../wire/errors.ts';
import { Departure } from './departure.ts';
import type { AppliedState } from './applied-state.ts';
import type { Leadership } from './leadership.ts';
import type { MemberParts } from './member-parts.ts';
import type { MemberMetrics } from './metrics.ts';
import type { RaftLoop } from './raft-loop.ts';
import { ReconfigurationProposals } from './reconfiguration-proposals.ts';
import { Reconfiguration } from './reconfiguration.ts';

/** What changes of the members need of the loops. */
export interface ReconfiguredLoops {
  readonly id: MemberId;
  readonly parts: MemberParts;
  readonly raft: Raft;
  readonly raftLoop: RaftLoop;
  readonly transport: Transport;
  readonly leadership: Leadership;
  readonly counters: MemberMetrics;
  readonly requestTimeoutMs: number;
  /** These are other ones when a snapshot has been installed, or the member stopped. */
  readonly state: AppliedState;
  readonly isStopped: boolean;
  timeoutError(startedMs: number): EtcdError;
}

export function openReconfiguration(loops: ReconfiguredLoops): Reconfiguration {
  const { id, parts, leadership, transport, counters, requestTimeoutMs: timeoutMs } = loops;
  const { settings, host } = parts;
  const { scheduler, nonce, unixTimeMs } = host;
  const membership = (): Membership => loops.state.membership;
  const proposals = new ReconfigurationProposals({
    memberId: id,
    nonce,
    scheduler,
    timeoutMs,
    learnersMax: settings.maxLearners,
    membership,
    propose: (change) => loops.raftLoop.proposeConfChange(change),
    timeoutError: (startedMs) => loops.timeoutError(startedMs),
  });
  return new Reconfiguration({
    id,
    scheduler,
    unixTimeMs,
    strictReconfigCheck: settings.strictReconfigCheck,
    timeoutMs,
    membership,
    raftStatus: () => loops.raft.status(),
    leadership,
    transport,
    proposals,
    counters,
  });
}

export function openDeparture(loops: ReconfiguredLoops): Departure {
  const { id, parts, leadership, raft } = loops;
  const wasRemoved = loops.state.membership.isRemoved(id);
  return new Departure({
    scheduler: parts.host.scheduler,
    leadership,
    committed: () => raft.committed,
    isStopped: () => loops.isStopped,
    log: () => parts.host.logger.log('warn', describeRemoved(id)),
    gone: () => {
      if (wasRemoved) parts.onFatal(describeRemoved(id));
      else parts.onRemoved(describeRemoved(id));
    },
  });
}
