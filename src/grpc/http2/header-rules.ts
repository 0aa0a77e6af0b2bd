import type { HeaderList } from '../hpack/types.ts';

/**
 * Which header lists are well-formed (RFC 9113, sections 8.1 to 8.3). One that is not is a stream error of
 * PROTOCOL_ERROR, and never reaches the owner.
 */

/** What a list turned out to be: its `content-length`, or one of these. */
export const noLength = -1;
export const malformed = -2;

/** Fields that belong to a connection of HTTP/1.1 (section 8.2.2). */
const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Each request pseudo-field by a bit: none may come twice. */
const Pseudo = { METHOD: 1, SCHEME: 2, PATH: 4, AUTHORITY: 8 } as const;
const pseudoBits: ReadonlyMap<string, number> = new Map([
  [':method', Pseudo.METHOD],
  [':scheme', Pseudo.SCHEME],
  [':path', Pseudo.PATH],
  [':authority', Pseudo.AUTHORITY],
]);
const required = Pseudo.METHOD | Pseudo.SCHEME | Pseudo.PATH;

/** The length that a request's header list promises, `noLength` or `malformed`. CONNECT has no place here. */
export function checkRequest(fields: HeaderList): number {
  let seen = 0;
  let at = 0;
  for (; at < fields.length; at += 2) {
    const name = fields[at] as string;
    if (name.charCodeAt(0) !== colon) break;
    const bit = pseudoBits.get(name) ?? 0;
    if (bit === 0 || (seen & bit) !== 0) return malformed;
    const value = fields[at + 1] as string;
    if (!isValue(value) || (value === '' && bit !== Pseudo.AUTHORITY)) return malformed;
    if (bit === Pseudo.PATH && !isPath(value)) return malformed;
    seen |= bit;
  }
  if ((seen & required) !== required) return malformed;
  return checkRegular(fields, at);
}

/** Like `checkRequest`. A response has one pseudo-field, which `statusOf` reads. */
export function checkResponse(fields: HeaderList): number {
  return statusOf(fields) === 0 ? malformed : checkRegular(fields, 2);
}

export function areTrailers(fields: HeaderList): boolean {
  return checkRegular(fields, 0) !== malformed;
}

/** The status that a response's list begins with; 0 when it does not, or that is none. */
export function statusOf(fields: HeaderList): number {
  const status = fields[1];
  if (fields[0] !== ':status' || status === undefined) return 0;
  // 101 does not exist in HTTP/2 (section 8.6).
  return /^[1-5][0-9][0-9]$/.test(status) && status !== '101' ? Number(status) : 0;
}

const colon = 0x3a;
const space = 0x20;
const tab = 0x09;
const del = 0x7f;

/** By character code: what a name is made of, a token in lower case (RFC 9110, section 5.6.2). */
const nameCharacters = new Uint8Array(128);
for (const each of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
  nameCharacters[each.charCodeAt(0)] = 1;
}

function checkRegular(fields: HeaderList, start: number): number {
  let length = noLength;
  for (let at = start; at < fields.length; at += 2) {
    const name = fields[at] as string;
    const value = fields[at + 1] as string;
    // A pseudo-field that comes late has a colon, which no name may have.
    if (!isName(name) || !isValue(value) || connectionFields.has(name)) return malformed;
    if (name === 'te' && value !== 'trailers') return malformed;
    if (name === 'content-length') {
      const promised = /^[0-9]{1,15}$/.test(value) ? Number(value) : malformed;
      if (length !== noLength && length !== promised) return malformed;
      length = promised;
      if (length === malformed) return malformed;
    }
  }
  return length;
}

/** Section 8.2.1, and what HTTP itself asks of a name; grpc-go refuses the same. */
function isName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if (nameCharacters[name.charCodeAt(i)] !== 1) return false;
  }
  return name.length > 0;
}

/** Section 8.2.1: no blank at either end; and no control character but the tab (RFC 9110, section 5.5). */
function isValue(value: string): boolean {
  const { length } = value;
  if (length === 0) return true;
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i);
    if (code < space ? code !== tab : code === del) return false;
  }
  return !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(length - 1));
}

function isBlank(code: number): boolean {
  return code === space || code === tab;
}

/** Section 8.3.1: an absolute path, or `*` for OPTIONS. */
function isPath(path: string): boolean {
  return path.charCodeAt(0) === 0x2f || path === '*';
}
