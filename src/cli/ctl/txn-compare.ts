import { textOf } from '../../base/bytes.ts';
import { Compare, CompareResult, CompareTarget } from '../../wire/kv.ts';
import { invalidInput } from './exit.ts';
import { describeBadInt64, saturate } from './flags.ts';
import { unquote } from './go-text.ts';

const results: ReadonlyMap<string, number> = new Map([
  ['=', CompareResult.EQUAL],
  ['!=', CompareResult.NOT_EQUAL],
  ['>', CompareResult.GREATER],
  ['<', CompareResult.LESS],
]);

const comparison =
  /^([^(]*)\(\s*("(?:[^"\\]|\\.)*"|`[^`]*`)\)\s*(\S+)\s+("(?:[^"\\]|\\.)*"|`[^`]*`)/;

/**
 * One line of the compares of a transaction: `mod("key") > "0"`, with targets ver, create, mod, val and lease
 * (ctlv3/command/txn_command.go, ParseCompare). A lease is given in hex, as to `put --lease`.
 */
export function parseCompare(line: string): Compare {
  const match = comparison.exec(line);
  const key = match === null ? undefined : unquote(match[2] as string);
  const value = match === null ? undefined : unquote(match[4] as string);
  if (match === null || key === undefined || value === undefined) {
    throw invalidInput(`malformed comparison: ${line}`);
  }
  const [, target = '', , operator = ''] = match;
  const result = results.get(operator);
  if (result === undefined) {
    throw invalidInput(`malformed comparison: ${line} (unknown operator ${operator})`);
  }
  const number = (): number => {
    const text = textOf(value);
    if (describeBadInt64(text) !== undefined) {
      throw invalidInput(`invalid txn compare request: ${line}`);
    }
    return saturate(BigInt(text));
  };
  switch (target) {
    case 'ver':
    case 'version':
      return Compare.create({
        key,
        result,
        target: CompareTarget.VERSION,
        targetUnion: { case: 'version', value: number() },
      });
    case 'c':
    case 'create':
      return Compare.create({
        key,
        result,
        target: CompareTarget.CREATE,
        targetUnion: { case: 'createRevision', value: number() },
      });
    case 'm':
    case 'mod':
      return Compare.create({
        key,
        result,
        target: CompareTarget.MOD,
        targetUnion: { case: 'modRevision', value: number() },
      });
    case 'val':
    case 'value':
      return Compare.create({
        key,
        result,
        target: CompareTarget.VALUE,
        targetUnion: { case: 'value', value },
      });
    case 'lease':
      return Compare.create({
        key,
        result,
        target: CompareTarget.LEASE,
        targetUnion: { case: 'lease', value: parseLease(textOf(value), line) },
      });
    default:
      throw invalidInput(`malformed comparison: ${line} (unknown target ${target})`);
  }
}

function parseLease(text: string, line: string): bigint {
  if (!/^[0-9a-f]{1,16}$/i.test(text)) throw invalidInput(`invalid txn compare request: ${line}`);
  return BigInt.asIntN(64, BigInt(`0x${text}`));
}
