import { isSerializable } from './get.ts';
import { show } from './show.ts';
import type { Verb } from './verb.ts';

export const memberList: Verb = {
  name: 'member list',
  usage: 'member list [options]',
  summary: 'Lists the members of the cluster',
  flags: [
    {
      name: 'consistency',
      kind: 'text',
      default: 'l',
      help: 'l for linearizable, s for serializable',
    },
  ],
  run: async (context) => {
    const linearizable = !isSerializable(context.values);
    show(
      context,
      context.printer.memberList(await context.openClient().memberList({ linearizable })),
    );
  },
};
