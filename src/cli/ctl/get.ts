import { emptyBytes, prefixEnd, type Bytes } from '../../base/bytes.ts';
import { RangeRequest, SortOrder, SortTarget } from '../../wire/kv.ts';
import { badArgs, badFeature } from './exit.ts';
import type { FlagSpec, FlagValues } from './flags.ts';
import { show } from './show.ts';
import type { Verb } from './verb.ts';
import type { Word } from './word.ts';

const flag = (name: string, help: string): FlagSpec => ({
  name,
  kind: 'boolean',
  default: 'false',
  help,
});
const revision = (name: string, help: string): FlagSpec => ({
  name,
  kind: 'int64',
  default: '0',
  help,
});

export const getFlags: readonly FlagSpec[] = [
  {
    name: 'consistency',
    kind: 'text',
    default: 'l',
    help: 'l for linearizable, s for serializable',
  },
  { name: 'order', kind: 'text', default: '', help: 'ASCEND or DESCEND' },
  {
    name: 'sort-by',
    kind: 'text',
    default: '',
    help: 'CREATE, KEY, MODIFY, VALUE or VERSION',
  },
  revision('limit', 'show at most so many keys; 0 shows all'),
  flag('prefix', 'all keys that start with the key'),
  flag('from-key', 'all keys from the key on, in the order of bytes'),
  revision('rev', 'as of this revision; 0 is the newest'),
  flag('keys-only', 'leave the values out'),
  flag('count-only', 'show only the count (with --write-out=fields)'),
  flag('print-value-only', 'show only values (with --write-out=simple)'),
  revision('min-create-rev', 'keys created at this revision or later'),
  revision('max-create-rev', 'keys created at this revision or earlier'),
  revision('min-mod-rev', 'keys changed last at this revision or later'),
  revision('max-mod-rev', 'keys changed last at this revision or earlier'),
  flag('stream', 'let the server send the keys in chunks'),
];

export const get: Verb = {
  name: 'get',
  usage: 'get [options] <key> [range_end]',
  summary: 'Shows a key or a range of keys',
  flags: getFlags,
  run: async (context, args) => {
    const { values } = context;
    const request = parseGet(values, args);
    const client = context.openClient();
    const response = await (values.boolean('stream')
      ? client.rangeStream(request)
      : client.range(request));
    if (values.boolean('count-only') && values.text('write-out') !== 'fields') {
      throw badArgs('--count-only is only for `--write-out=fields`');
    }
    if (values.boolean('print-value-only') && values.text('write-out') !== 'simple') {
      throw badArgs('print-value-only is only for `--write-out=simple`');
    }
    show(context, context.printer.get(response));
  },
};

/** The request as etcdctl makes it (ctlv3/command/get_command.go, getGetOp). */
export function parseGet(values: FlagValues, args: readonly Word[]): RangeRequest {
  const [first, second] = args;
  if (first === undefined) {
    throw badArgs('get command needs one argument as key and an optional argument as range_end');
  }
  checkPrefixOrFrom(values);
  if (values.boolean('keys-only') && values.boolean('count-only')) {
    throw badArgs('`--keys-only` and `--count-only` cannot be set at the same time, choose one');
  }
  const serializable = isSerializable(values);
  const { key, rangeEnd } = parseRange(values, first.bytes, second?.bytes);
  const sortOrder = parseSortOrder(values);
  const sortTarget = parseSortTarget(values);
  checkBounds(values, 'Create', 'create');
  checkBounds(values, 'Mod', 'mod');
  const atLeastZero = (name: string): number => Math.max(0, values.int64(name));
  return RangeRequest.create({
    key,
    rangeEnd,
    limit: values.int64('limit'),
    revision: atLeastZero('rev'),
    // Keys come in ascending order anyway (client/v3/op.go, WithSort).
    sortOrder:
      sortTarget === SortTarget.KEY && sortOrder === SortOrder.ASCEND ? SortOrder.NONE : sortOrder,
    sortTarget,
    serializable,
    keysOnly: values.boolean('keys-only'),
    countOnly: values.boolean('count-only'),
    minCreateRevision: atLeastZero('min-create-rev'),
    maxCreateRevision: atLeastZero('max-create-rev'),
    minModRevision: atLeastZero('min-mod-rev'),
    maxModRevision: atLeastZero('max-mod-rev'),
  });
}

export function checkPrefixOrFrom(values: FlagValues): void {
  if (values.boolean('prefix') && values.boolean('from-key')) {
    throw badArgs('`--prefix` and `--from-key` cannot be set at the same time, choose one');
  }
}

const zeroByte = new Uint8Array(1);

/** The keys meant by the arguments, `--prefix` and `--from-key`; every key for an empty prefix. */
export function parseRange(
  values: FlagValues,
  key: Bytes,
  end: Bytes | undefined,
): { readonly key: Bytes; readonly rangeEnd: Bytes } {
  const prefix = values.boolean('prefix');
  const from = values.boolean('from-key');
  if (end !== undefined && (prefix || from)) {
    throw badArgs(
      'too many arguments, only accept one argument when `--prefix` or `--from-key` is set',
    );
  }
  if ((prefix || from) && key.length === 0) return { key: zeroByte, rangeEnd: zeroByte };
  if (prefix) return { key, rangeEnd: prefixEnd(key) };
  return { key, rangeEnd: from ? zeroByte : (end ?? emptyBytes) };
}

export function isSerializable(values: FlagValues): boolean {
  const consistency = values.text('consistency');
  if (consistency !== 's' && consistency !== 'l') {
    throw badFeature(`unknown consistency flag ${JSON.stringify(consistency)}`);
  }
  return consistency === 's';
}

function parseSortOrder(values: FlagValues): number {
  const order = values.text('order');
  switch (order.toUpperCase()) {
    case '':
      return SortOrder.NONE;
    case 'ASCEND':
      return SortOrder.ASCEND;
    case 'DESCEND':
      return SortOrder.DESCEND;
    default:
      throw badFeature(`bad sort order ${order}`);
  }
}

function parseSortTarget(values: FlagValues): number {
  const target = values.text('sort-by');
  switch (target.toUpperCase()) {
    case '':
    case 'KEY':
      return SortTarget.KEY;
    case 'CREATE':
      return SortTarget.CREATE;
    case 'MODIFY':
      return SortTarget.MOD;
    case 'VALUE':
      return SortTarget.VALUE;
    case 'VERSION':
      return SortTarget.VERSION;
    default:
      throw badFeature(`bad sort target ${target}`);
  }
}

function checkBounds(values: FlagValues, shown: 'Create' | 'Mod', name: 'create' | 'mod'): void {
  const min = values.int64(`min-${name}-rev`);
  const max = values.int64(`max-${name}-rev`);
  if (max > 0 && min > max) {
    throw badFeature(`getMin${shown}Rev(=${min}) > getMax${shown}Rev(=${max})`);
  }
}
