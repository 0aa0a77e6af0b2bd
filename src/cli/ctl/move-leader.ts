import { methods } from '../../client/methods.ts';
import { badArgs } from './exit.ts';
import { parseHexUint64 } from './hex-id.ts';
import { show } from './show.ts';
import type { Verb } from './verb.ts';

export const moveLeader: Verb = {
  name: 'move-leader',
  usage: 'move-leader <member id>',
  summary: 'Lets another member lead; the present leader must be among the endpoints',
  flags: [],
  run: async (context, args) => {
    const [only] = args;
    if (only === undefined || args.length > 1) {
      throw badArgs('move-leader command needs 1 argument');
    }
    const target = parseHexUint64(only.text);
    if (!target.ok) throw badArgs(target.problem);
    for (const endpoint of context.endpoints) {
      const client = context.openClient([endpoint]);
      const { leader, header } = await client.status();
      if (leader !== header?.memberId) continue;
      const response = await client.unary(methods.moveLeader, { targetId: target.id });
      show(context, context.printer.moveLeader(leader, target.id, response));
      return;
    }
    throw badArgs(`no leader endpoint given at [${context.endpoints.join(' ')}]`);
  },
};
