import { utf8 } from '../../base/bytes.ts';
import type { Compare, RequestOp } from '../../wire/kv.ts';
import { delFlags, parseDel } from './del.ts';
import { badArgs, invalidInput } from './exit.ts';
import { parseWords, UsageError, type FlagSpec } from './flags.ts';
import { getFlags, parseGet } from './get.ts';
import { parsePut, putFlags } from './put.ts';
import { show } from './show.ts';
import { splitWords } from './split-words.ts';
import { parseCompare } from './txn-compare.ts';
import type { Verb, VerbContext } from './verb.ts';
import type { Word } from './word.ts';

export const txn: Verb = {
  name: 'txn',
  usage: 'txn [options]',
  summary: 'Runs one transaction, read from stdin: compares, requests if true, requests if not',
  flags: [
    {
      name: 'interactive',
      short: 'i',
      kind: 'boolean',
      default: 'false',
      help: 'ask for each part',
    },
  ],
  run: async (context, args) => {
    if (args.length > 0) throw badArgs('txn command does not accept argument');
    const client = context.openClient();
    prompt(context, 'compares:');
    const compare: Compare[] = [];
    for await (const line of readBlock(context)) compare.push(parseCompare(line));
    prompt(context, 'success requests (get, put, del):');
    const success = await readOperations(context);
    prompt(context, 'failure requests (get, put, del):');
    const failure = await readOperations(context);
    show(context, context.printer.txn(await client.txn({ compare, success, failure })));
  },
};

function prompt(context: VerbContext, text: string): void {
  if (context.values.boolean('interactive')) context.writeOut(utf8(`${text}\n`));
}

/** The lines up to an empty one, which has to be there; each is judged before the next is asked for. */
async function* readBlock(context: VerbContext): AsyncGenerator<string> {
  for (;;) {
    const line = (await context.input.readLine())?.trim();
    if (line === undefined) throw invalidInput('EOF');
    if (line === '') return;
    yield line;
  }
}

async function readOperations(context: VerbContext): Promise<readonly RequestOp[]> {
  const operations: RequestOp[] = [];
  for await (const line of readBlock(context)) {
    operations.push(await parseOperation(context, line));
  }
  return operations;
}

const verbs: ReadonlyMap<string, readonly FlagSpec[]> = new Map([
  ['get', getFlags],
  ['put', putFlags],
  ['del', delFlags],
]);

async function parseOperation(context: VerbContext, line: string): Promise<RequestOp> {
  const [name, ...words] = mustSplit(line);
  if (name === undefined || words.length === 0) {
    throw invalidInput(`invalid txn compare request: ${line}`);
  }
  const flags = verbs.get(name.text);
  if (flags === undefined) throw invalidInput(`invalid txn request: ${line}`);
  try {
    const { values, rest } = parseWords(words, flags);
    if (name.text === 'get') {
      return { request: { case: 'requestRange', value: parseGet(values, rest) } };
    }
    if (name.text === 'put') {
      return {
        request: { case: 'requestPut', value: await parsePut(values, rest, context.input) },
      };
    }
    return {
      request: { case: 'requestDeleteRange', value: await parseDel(context, values, rest) },
    };
  } catch (error) {
    if (error instanceof UsageError) throw invalidInput(`invalid txn request: ${line}`);
    throw error;
  }
}

function mustSplit(line: string): readonly Word[] {
  const words = splitWords(line);
  if (words === undefined) throw invalidInput(`invalid txn request: ${line}`);
  return words;
}
