import { emptyBytes, type Bytes } from '../../base/bytes.ts';
import { PutRequest } from '../../wire/kv.ts';
import { badArgs } from './exit.ts';
import type { FlagSpec, FlagValues } from './flags.ts';
import { parseHexInt64 } from './hex-id.ts';
import { show } from './show.ts';
import type { Input, Verb } from './verb.ts';
import type { Word } from './word.ts';

const flag = (name: string, help: string): FlagSpec => ({
  name,
  kind: 'boolean',
  default: 'false',
  help,
});

export const putFlags: readonly FlagSpec[] = [
  {
    name: 'lease',
    kind: 'text',
    default: '0',
    help: 'id of a lease (in hex) to attach the key to',
  },
  flag('prev-kv', 'show what the key held before'),
  flag('ignore-value', 'leave the value as it is'),
  flag('ignore-lease', 'leave the lease as it is'),
];

export const put: Verb = {
  name: 'put',
  usage: 'put [options] <key> <value> (the value can also come from stdin)',
  summary: 'Puts a value under a key',
  flags: putFlags,
  run: async (context, args) => {
    const request = await parsePut(context.values, args, context.input);
    show(context, context.printer.put(await context.openClient().put(request)));
  },
};

const usage = 'put command needs 1 argument and input from stdin or 2 arguments';

/** The request as etcdctl makes it (ctlv3/command/put_command.go, getPutOp). */
export async function parsePut(
  values: FlagValues,
  args: readonly Word[],
  input: Input,
): Promise<PutRequest> {
  const [key, given] = args;
  const ignoreValue = values.boolean('ignore-value');
  if (key === undefined) throw badArgs(usage);
  if (ignoreValue && given !== undefined) {
    throw badArgs("put command needs only 1 argument when 'ignore-value' is set");
  }
  const value = ignoreValue ? emptyBytes : (given?.bytes ?? (await readValue(input)));
  return PutRequest.create({
    key: key.bytes,
    value,
    lease: parseLease(values.text('lease')),
    prevKv: values.boolean('prev-kv'),
    ignoreValue,
    ignoreLease: values.boolean('ignore-lease'),
  });
}

async function readValue(input: Input): Promise<Bytes> {
  const value = await input.readAll();
  if (value.length === 0) throw badArgs(usage);
  return value;
}

function parseLease(text: string): bigint {
  const parsed = parseHexInt64(text);
  if (parsed.ok) return parsed.id;
  throw badArgs(`bad lease ID (${parsed.problem}), expecting ID in Hex`);
}
