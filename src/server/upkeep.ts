import { CommandKind } from '../wire/command.ts';
import {
  AlarmAction,
  AlarmRequest,
  AlarmType,
  describeAlarmType,
  type AlarmMember,
} from '../wire/maintenance.ts';
import type { MemberLoops } from './loops.ts';
import { Quota } from './quota.ts';

/** What looks after the data of a member beside serving it: whether there is room for more. */
export class Upkeep {
  readonly quota: Quota;
  private readonly loops: MemberLoops;

  constructor(loops: MemberLoops) {
    this.loops = loops;
    this.quota = this.openQuota();
  }

  private openQuota(): Quota {
    const { parts, storeLoop } = this.loops;
    const alarm = { memberId: this.loops.id, alarm: AlarmType.NOSPACE };
    return new Quota({
      quotaBytes: parts.settings.quotaBytes,
      sizeBytes: () => parts.dataDir.store.sizes.dbSize + storeLoop.unwrittenBytes,
      raise: (done) => this.raise(alarm, done),
    });
  }

  /** Calls back when the alarm is in force, or cannot be raised now: then the next occasion tries again. */
  private raise(alarm: AlarmMember, done: () => void): void {
    if (this.loops.state.alarms.has(alarm)) return done();
    const { logger } = this.loops.parts.host;
    const fields = { alarm: describeAlarmType(alarm.alarm), 'member-id': alarm.memberId };
    logger.log('warn', 'raising an alarm', fields);
    const request = AlarmRequest.encode({ action: AlarmAction.ACTIVATE, ...alarm });
    this.loops.proposals.propose(CommandKind.alarm, request, (outcome) => {
      if (!outcome.ok) {
        logger.log('error', 'an alarm was not raised', { ...fields, error: outcome.error.text });
      }
      done();
    });
  }
}
