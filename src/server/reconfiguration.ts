import type { Scheduler } from '../base/clock.ts';
import { sha1 } from '../host/sha1.ts';
import {
  isLastVoter,
  isReadyLearner,
  refuseAdd,
  refusePromote,
  refuseRemove,
  type ClusterView,
} from '../membership/checks.ts';
import { memberIdOf } from '../membership/ids.ts';
import type { Membership } from '../membership/membership.ts';
import { readPeerUrls } from '../membership/peer-urls.ts';
import { MemberRecord } from '../membership/record.ts';
import type { Transport } from '../peer/types.ts';
import type { ConfChange } from '../raft/confchange.ts';
import type { RaftStatus } from '../raft/status.ts';
import { noMember, type MemberId } from '../raft/types.ts';
import { errors, failed, ok, type EtcdError, type Outcome } from '../wire/errors.ts';
import type { Leadership } from './leadership.ts';
import type { MemberMetrics } from './metrics.ts';
import { PromotionForwarder } from './reconfiguration-forward.ts';
import type { ReconfigurationProposals } from './reconfiguration-proposals.ts';
import type { AddedMember, Done, MemberInfo } from './types.ts';

/**
 * Members come and go, one change each (etcd server/etcdserver/server.go, `AddMember` and its like). Who may is
 * decided where the request arrives, but for a promotion: only the leader knows how far a learner has come.
 */
export interface ReconfigurationParts {
  readonly id: MemberId;
  readonly scheduler: Scheduler;
  readonly unixTimeMs: () => number;
  /** Without it only what Raft itself forbids is refused. */
  readonly strictReconfigCheck: boolean;
  readonly timeoutMs: number;
  readonly membership: () => Membership;
  readonly raftStatus: () => RaftStatus;
  readonly leadership: Leadership;
  readonly transport: Pick<Transport, 'ask' | 'connectedPeers'>;
  readonly proposals: ReconfigurationProposals;
  readonly counters: Pick<MemberMetrics, 'promoted' | 'promotionsFailed'>;
}

export class Reconfiguration {
  private readonly parts: ReconfigurationParts;
  private readonly forwarder: PromotionForwarder;

  constructor(parts: ReconfigurationParts) {
    this.parts = parts;
    this.forwarder = new PromotionForwarder({
      ...parts,
      promoteAsLeader: (id, done) => this.promoteAsLeader(id, done),
    });
  }

  /** What is known of the members has changed. */
  membersChanged(): void {
    this.forwarder.membersChanged();
  }

  /** A configuration entry was applied, or refused. */
  applied(change: ConfChange, outcome: Outcome<unknown>): void {
    this.parts.proposals.applied(change, outcome);
  }

  failAll(error: EtcdError): void {
    this.parts.proposals.failAll(error);
    this.forwarder.failAll(error);
  }

  add(texts: readonly string[], isLearner: boolean, done: Done<AddedMember>): void {
    const peerUrls = readPeerUrls(texts);
    if (peerUrls === undefined) return done(failed(errors.memberBadUrls));
    const seconds = Math.floor(this.parts.unixTimeMs() / 1000);
    const id = memberIdOf(peerUrls, String(seconds), sha1);
    const record = MemberRecord.create({ id, peerUrls });
    const requested = {
      change: { type: isLearner ? ('addLearner' as const) : ('addVoter' as const), memberId: id },
      record,
      check: () => this.strictly(() => refuseAdd(this.view(), isLearner)),
    };
    this.parts.proposals.request(requested, (outcome) =>
      done(
        outcome.ok
          ? ok({ added: { ...record, isLearner }, members: outcome.value })
          : failed(outcome.error),
      ),
    );
  }

  remove(id: MemberId, done: Done<readonly MemberInfo[]>): void {
    const check = (): EtcdError | undefined => {
      // Raft takes no change of id 0, and would say nothing.
      if (id === noMember) return errors.memberNotFound;
      if (isLastVoter(this.parts.membership().list(), id)) return errors.memberNotEnoughStarted;
      return this.strictly(() => refuseRemove(this.view(), id));
    };
    const change = { type: 'remove' as const, memberId: id };
    this.parts.proposals.request({ change, record: undefined, check }, done);
  }

  promote(id: MemberId, done: Done<readonly MemberInfo[]>): void {
    if (this.parts.leadership.isLeader) this.promoteAsLeader(id, done);
    else this.forwarder.promote(id, done);
  }

  /** As another member asks it of the leader; one that is no leader any more says so. */
  promoteForOther(id: MemberId, done: Done<readonly MemberInfo[]>): void {
    if (this.parts.leadership.isLeader) this.promoteAsLeader(id, done);
    else done(failed(errors.notLeader));
  }

  private promoteAsLeader(id: MemberId, done: Done<readonly MemberInfo[]>): void {
    const { proposals, counters } = this.parts;
    const change = { type: 'addVoter' as const, memberId: id };
    const check = (): EtcdError | undefined => this.refusePromotion(id);
    const counted = (outcome: Outcome<readonly MemberInfo[]>): void => {
      if (outcome.ok) counters.promoted.add();
      else if (outcome.error !== errors.notLeader) {
        counters.promotionsFailed.add(1, { Reason: outcome.error.text });
      }
      done(outcome);
    };
    proposals.request({ change, record: undefined, check }, counted);
  }

  private refusePromotion(id: MemberId): EtcdError | undefined {
    const { id: self, progress } = this.parts.raftStatus();
    const leader = progress.find((each) => each.id === self);
    if (leader === undefined) return errors.notLeader;
    const learner = progress.find((each) => each.id === id);
    if (learner === undefined) return errors.memberNotFound;
    if (!isReadyLearner(learner.match, leader.match)) return errors.learnerNotReady;
    // etcd's order: what is wrong with the cluster is told before what is wrong with the request.
    const refused = this.strictly(() => refusePromote(this.view(), id));
    return refused ?? (learner.isLearner ? undefined : errors.memberNotLearner);
  }

  private strictly(check: () => EtcdError | undefined): EtcdError | undefined {
    return this.parts.strictReconfigCheck ? check() : undefined;
  }

  private view(): ClusterView {
    const { id, membership, transport } = this.parts;
    return {
      members: membership().list(),
      reachable: new Set([id, ...transport.connectedPeers()]),
    };
  }
}
