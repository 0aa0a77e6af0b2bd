import { utf8, type Bytes } from '../../base/bytes.ts';

/** Go's ways of writing and reading values, which etcdctl's output and txn input are made of. */

const escapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** `%q` (strconv.Quote): bytes that are no UTF-8 as \x.., what cannot be printed as \u.... */
export function quote(bytes: Bytes): string {
  let quoted = '"';
  for (const part of decodeRunes(bytes)) {
    if (typeof part === 'number') quoted += `\\x${part.toString(16).padStart(2, '0')}`;
    else quoted += quoteRune(part);
  }
  return `${quoted}"`;
}

export const quoteText = (text: string): string => quote(utf8(text));

function quoteRune(rune: string): string {
  const escaped = escapes[rune];
  if (escaped !== undefined) return escaped;
  if (printable.test(rune)) return rune;
  const code = rune.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  const digits = code.toString(16);
  return code < 0x10000 ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Characters, and the single bytes that begin none. */
function* decodeRunes(bytes: Bytes): Generator<string | number> {
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at] as number;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    let rune: string | undefined;
    try {
      rune = decoder.decode(bytes.subarray(at, at + length));
    } catch {
      // No character starts here: the byte stands for itself.
    }
    if (rune === undefined || [...rune].length !== 1) {
      yield first;
      at += 1;
    } else {
      yield rune;
      at += length;
    }
  }
}

const simpleEscapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  '"': 34,
};

/**
 * Reads a quoted text as `%q` scans it (strconv.Unquote), in double quotes or backquotes; undefined
 * when malformed.
 */
export function unquote(text: string): Bytes | undefined {
  if (text.length < 2 || text.at(0) !== text.at(-1)) return undefined;
  const inner = text.slice(1, -1);
  if (text.startsWith('`'))
    return inner.includes('`') ? undefined : utf8(inner.replaceAll('\r', ''));
  if (!text.startsWith('"')) return undefined;
  const bytes: number[] = [];
  const pattern =
    /\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|([^\\"\n])/uy;
  while (pattern.lastIndex < inner.length) {
    const match = pattern.exec(inner);
    if (match === null) return undefined;
    const [, simple, hexByte, octal, short, long, plain] = match;
    if (simple !== undefined) bytes.push(simpleEscapes[simple] as number);
    else if (hexByte !== undefined) bytes.push(Number.parseInt(hexByte, 16));
    else if (octal !== undefined) {
      const value = Number.parseInt(octal, 8);
      if (value > 255) return undefined;
      bytes.push(value);
    } else if (plain !== undefined) bytes.push(...utf8(plain));
    else {
      const code = Number.parseInt((short ?? long) as string, 16);
      if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return undefined;
      bytes.push(...utf8(String.fromCodePoint(code)));
    }
  }
  return Uint8Array.from(bytes);
}

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** go-humanize's Bytes: powers of a thousand, one decimal below ten. */
export function formatSize(sizeBytes: number): string {
  if (sizeBytes < 10) return `${sizeBytes} B`;
  const exponent = Math.min(Math.floor(Math.log(sizeBytes) / Math.log(1000)), units.length - 1);
  const value = Math.floor((sizeBytes / 1000 ** exponent) * 10 + 0.5) / 10;
  const shown = value < 10 ? value.toFixed(1) : String(roundHalfEven(value));
  return `${shown} ${units[exponent] as string}`;
}

/** As Go's `%.0f` rounds: 20.5 is 20, 21.5 is 22. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `%016x` of a signed number: the sign counts as a digit. */
export function leaseHex(id: bigint): string {
  return id < 0n ? `-${(-id).toString(16).padStart(15, '0')}` : id.toString(16).padStart(16, '0');
}

/** `--hex`: each byte as \x... */
export function hexEscaped(bytes: Bytes): string {
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
