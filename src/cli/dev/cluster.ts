import { startMember, type MemberExit, type MemberProcess } from './member-process.ts';
import type { PlannedMember } from './plan.ts';
import { RoleAsker, type Role } from './roles.ts';

/** What is told of the cluster as it happens. */
export interface ClusterReporter {
  /**
   * One member leads, for the first time, and all answer that will: those that do not are gone, or take too long.
   */
  ready(members: readonly MemberView[]): void;
  roleChanged(member: MemberView, before: Role): void;
  /** A member has ended that nobody here told to. */
  died(member: MemberView, exit: MemberExit): void;
  /** A member was told to stop, and ended otherwise. */
  stoppedBadly(member: MemberView, exit: MemberExit): void;
}

export interface MemberView {
  readonly plan: PlannedMember;
  /** Undefined once the process we started is gone. */
  readonly pid: number | undefined;
  readonly role: Role;
}

interface Slot {
  readonly plan: PlannedMember;
  readonly process: MemberProcess;
  readonly asker: RoleAsker;
  role: Role;
  isGone: boolean;
}

const askPauseMs = 250;

/** A cluster that has a leader waits this long for a member that runs and does not answer. */
const patienceMs = 10_000;

/**
 * Three member processes, watched until they are stopped. A member that dies stays dead: whoever
 * runs this sees why.
 */
export class DevCluster {
  private readonly slots: readonly Slot[];
  private readonly reporter: ClusterReporter;
  private isReady = false;
  private leaderSinceMs: number | undefined;
  private allStoppedWell = true;
  private isStopping = false;
  private isOver = false;

  constructor(plans: readonly PlannedMember[], reporter: ClusterReporter) {
    this.reporter = reporter;
    this.slots = plans.map((plan) => ({
      plan,
      process: startMember(plan),
      asker: new RoleAsker(plan),
      role: { kind: 'silent' },
      isGone: false,
    }));
  }

  members(): readonly MemberView[] {
    return this.slots.map(viewOf);
  }

  /**
   * Resolves when all three processes are gone and no member answers any more, with whether those that were told to
   * stop did so well.
   */
  async watch(): Promise<boolean> {
    const asking = this.slots.map((slot) => this.keepAsking(slot));
    await Promise.all(this.slots.map((slot) => this.watchExit(slot)));
    // Members that were brought back by hand are no children of this process, but they are the cluster.
    while (!this.isStopping && this.slots.some(({ role }) => role.kind !== 'silent')) {
      await new Promise((resume) => setTimeout(resume, askPauseMs));
    }
    this.isOver = true;
    await Promise.all(asking);
    return this.allStoppedWell;
  }

  /** Tells every process that still runs to end. */
  signal(signal: NodeJS.Signals): void {
    this.isStopping = true;
    for (const slot of this.slots) if (!slot.isGone) slot.process.kill(signal);
  }

  private async watchExit(slot: Slot): Promise<void> {
    const exit = await slot.process.exited;
    slot.isGone = true;
    if (!this.isStopping) return this.reporter.died(viewOf(slot), exit);
    // One that was just starting knows no better than to end by the signal itself.
    if (exit.code === 0 || exit.signal === 'SIGTERM') return;
    this.allStoppedWell = false;
    this.reporter.stoppedBadly(viewOf(slot), exit);
  }

  /** Goes on when the process is gone: someone may have brought the member back elsewhere. */
  private async keepAsking(slot: Slot): Promise<void> {
    while (!this.isOver) {
      const role = await slot.asker.ask();
      if (!this.isStopping) this.take(slot, role);
      await new Promise((resume) => setTimeout(resume, askPauseMs));
    }
    slot.asker.close();
  }

  private take(slot: Slot, role: Role): void {
    const before = slot.role;
    slot.role = role;
    if (this.isReady) {
      // That a dead member is silent has been told already.
      const isKnown = role.kind === 'silent' && slot.isGone;
      if (isOtherRole(before, role) && !isKnown) this.reporter.roleChanged(viewOf(slot), before);
    } else if (this.isComplete()) {
      this.isReady = true;
      this.reporter.ready(this.members());
    }
  }

  private isComplete(): boolean {
    if (!this.slots.some(({ role }) => role.kind === 'leader')) {
      this.leaderSinceMs = undefined;
      return false;
    }
    const nowMs = performance.now();
    this.leaderSinceMs ??= nowMs;
    if (nowMs - this.leaderSinceMs >= patienceMs) return true;
    return this.slots.every(({ role, isGone }) => isSettled(role) || isGone);
  }
}

function viewOf({ plan, process, role, isGone }: Slot): MemberView {
  return { plan, pid: isGone ? undefined : process.pid, role };
}

/** Knows who leads. */
export function isSettled(role: Role): boolean {
  return role.kind === 'leader' || role.kind === 'follower';
}

/** A follower of another term is still a follower: only a leader's new term is news. */
function isOtherRole(before: Role, after: Role): boolean {
  if (before.kind !== after.kind) return true;
  return before.kind === 'leader' && after.kind === 'leader' && before.term !== after.term;
}
