import { DeleteRangeRequest } from '../../wire/kv.ts';
import { badArgs } from './exit.ts';
import type { FlagSpec, FlagValues } from './flags.ts';
import { checkPrefixOrFrom, parseRange } from './get.ts';
import { quote } from './go-text.ts';
import { show } from './show.ts';
import type { Verb, VerbContext } from './verb.ts';
import type { Word } from './word.ts';

const flag = (name: string, help: string): FlagSpec => ({
  name,
  kind: 'boolean',
  default: 'false',
  help,
});

export const delFlags: readonly FlagSpec[] = [
  flag('prefix', 'delete all keys that start with the key'),
  flag('prev-kv', 'show what was deleted'),
  flag('from-key', 'delete all keys from the key on, in the order of bytes'),
  flag('range', 'delete a range without waiting for second thoughts'),
];

/** How long a range without `--range` can still be called off. */
const secondThoughtsMs = 2000;

export const del: Verb = {
  name: 'del',
  usage: 'del [options] <key> [range_end]',
  summary: 'Deletes a key or a range of keys',
  flags: delFlags,
  run: async (context, args) => {
    const request = await parseDel(context, context.values, args);
    show(context, context.printer.del(await context.openClient().deleteRange(request)));
  },
};

/** The request as etcdctl makes it (ctlv3/command/del_command.go, getDelOp), pause included. */
export async function parseDel(
  context: VerbContext,
  values: FlagValues,
  args: readonly Word[],
): Promise<DeleteRangeRequest> {
  const [first, second, third] = args;
  if (first === undefined || third !== undefined) {
    throw badArgs('del command needs one argument as key and an optional argument as range_end');
  }
  checkPrefixOrFrom(values);
  const { key, rangeEnd } = parseRange(values, first.bytes, second?.bytes);
  if (second !== undefined && !values.boolean('range')) {
    context.writeErr(
      `Warning: Keys between ${quote(first.bytes)} and ${quote(second.bytes)} will be deleted. ` +
        'Please interrupt the command within next 2 seconds to cancel. ' +
        'You can provide `--range` flag to avoid the delay.\n',
    );
    await context.sleep(secondThoughtsMs);
  }
  return DeleteRangeRequest.create({ key, rangeEnd, prevKv: values.boolean('prev-kv') });
}
