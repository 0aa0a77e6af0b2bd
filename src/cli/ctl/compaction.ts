import { utf8 } from '../../base/bytes.ts';
import { badArgs, CtlError, Exit } from './exit.ts';
import { describeBadInt64, saturate } from './flags.ts';
import type { Verb } from './verb.ts';

export const compaction: Verb = {
  name: 'compaction',
  usage: 'compaction [options] <revision>',
  summary: 'Drops the history before a revision',
  flags: [
    {
      name: 'physical',
      kind: 'boolean',
      default: 'false',
      help: 'wait until the old revisions are gone from the disk',
    },
  ],
  run: async (context, args) => {
    const [first, second] = args;
    if (first === undefined || second !== undefined) {
      throw badArgs('compaction command needs 1 argument');
    }
    const problem = describeBadInt64(first.text);
    if (problem !== undefined) throw new CtlError(Exit.Error, problem);
    const revision = saturate(BigInt(first.text));
    const physical = context.values.boolean('physical');
    await context.openClient().compact({ revision, physical });
    context.writeOut(utf8(`compacted revision ${revision}\n`));
  },
};
