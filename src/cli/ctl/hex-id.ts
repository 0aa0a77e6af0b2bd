import { badArgs } from './exit.ts';
import type { Word } from './word.ts';

/** Ids as etcdctl reads them: hexadecimal, without 0x. */

export type ParsedId =
  { readonly ok: true; readonly id: bigint } | { readonly ok: false; readonly problem: string };

/** With strconv.ParseInt's words for what is none; lease ids have a sign. */
export function parseHexInt64(text: string): ParsedId {
  const refuse = refusalOf('ParseInt', text);
  const [, sign, digits] = /^([+-]?)([0-9a-f]+)$/i.exec(text) ?? [];
  if (digits === undefined) return refuse('invalid syntax');
  const id = BigInt(`0x${digits}`) * (sign === '-' ? -1n : 1n);
  return BigInt.asIntN(64, id) === id ? { ok: true, id } : refuse('value out of range');
}

/** With strconv.ParseUint's words. */
export function parseHexUint64(text: string): ParsedId {
  const refuse = refusalOf('ParseUint', text);
  if (!/^[0-9a-f]+$/i.test(text)) return refuse('invalid syntax');
  const id = BigInt(`0x${text}`);
  return BigInt.asUintN(64, id) === id ? { ok: true, id } : refuse('value out of range');
}

const refusalOf =
  (reader: string, text: string) =>
  (why: string): ParsedId => ({
    ok: false,
    problem: `strconv.${reader}: parsing ${JSON.stringify(text)}: ${why}`,
  });

/** @throws CtlError */
export function mustParseLeaseArg({ text }: Word): bigint {
  const parsed = parseHexInt64(text);
  if (parsed.ok) return parsed.id;
  throw badArgs(`bad lease ID arg (${parsed.problem}), expecting ID in Hex`);
}

/** @throws CtlError */
export function mustParseMemberArg({ text }: Word): bigint {
  const parsed = parseHexUint64(text);
  if (parsed.ok) return parsed.id;
  throw badArgs(`bad member ID arg (${parsed.problem}), expecting ID in Hex`);
}
