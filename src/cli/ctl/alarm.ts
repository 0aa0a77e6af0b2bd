import { methods } from '../../client/methods.ts';
import { AlarmAction, type AlarmMember } from '../../wire/maintenance.ts';
import { badArgs } from './exit.ts';
import { show } from './show.ts';
import type { Verb } from './verb.ts';

export const alarmDisarm: Verb = {
  name: 'alarm disarm',
  usage: 'alarm disarm',
  summary: 'Ends all alarms, once their cause is gone',
  flags: [],
  run: async (context, args) => {
    if (args.length > 0) throw badArgs('alarm disarm command accepts no arguments');
    const client = context.openClient();
    const disarmed: AlarmMember[] = [];
    for (const { memberId, alarm } of (await client.alarms()).alarms) {
      const action = AlarmAction.DEACTIVATE;
      const { alarms } = await client.unary(methods.alarm, { action, memberId, alarm });
      disarmed.push(...alarms);
    }
    show(context, context.printer.alarms({ header: undefined, alarms: disarmed }));
  },
};

export const alarmList: Verb = {
  name: 'alarm list',
  usage: 'alarm list',
  summary: 'Lists the alarms in force',
  flags: [],
  run: async (context, args) => {
    if (args.length > 0) throw badArgs('alarm list command accepts no arguments');
    show(context, context.printer.alarms(await context.openClient().alarms()));
  },
};
