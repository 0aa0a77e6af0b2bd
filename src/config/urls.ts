import { isIP } from 'node:net';

/** URLs of listeners and members, by etcd's rules (client/pkg/types/urls.go, NewURLs). */

export interface EndpointUrl {
  /** As it was written, without surrounding blanks. */
  readonly text: string;
  readonly scheme: 'http' | 'https' | 'unix' | 'unixs';
  /** Without the brackets of an IPv6 address; empty for a socket path. */
  readonly host: string;
  readonly port: number;
  /** For `unix` and `unixs`. */
  readonly socketPath: string | undefined;
}

export type ParsedUrl =
  | { readonly ok: true; readonly url: EndpointUrl }
  | { readonly ok: false; readonly problem: string };

const refusal = (problem: string): ParsedUrl => ({ ok: false, problem });

export function parseEndpointUrl(input: string): ParsedUrl {
  const text = input.trim();
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'http':
    case 'https':
      return parseTcp(text, scheme);
    case 'unix':
    case 'unixs': {
      const socketPath = text.slice(scheme.length + 1).replace(/^\/\//, '');
      if (socketPath === '') return refusal(`URL names no socket: ${text}`);
      return { ok: true, url: { text, scheme, host: '', port: 0, socketPath } };
    }
    default:
      return refusal(`URL scheme must be http, https, unix, or unixs: ${text}`);
  }
}

function parseTcp(text: string, scheme: 'http' | 'https'): ParsedUrl {
  const [, authority = '', rest = ''] = /^[a-z]+:(?:\/\/([^/?#]*))?(.*)$/i.exec(text) ?? [];
  const match = /^(?:\[([^\]]*)\]|([^:[\]@]*)):(\d{1,5})$/.exec(authority);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    return refusal(`URL address does not have the form "host:port": ${text}`);
  }
  if (rest !== '') return refusal(`URL must not contain a path: ${text}`);
  const host = match[1] ?? match[2] ?? '';
  return { ok: true, url: { text, scheme, host, port, socketPath: undefined } };
}

/** A comma-separated list, sorted and without repeats, as etcd keeps it; empty for an empty text. */
export function parseUrlList(
  text: string,
):
  | { readonly ok: true; readonly urls: readonly string[] }
  | { readonly ok: false; readonly problem: string } {
  if (text === '') return { ok: true, urls: [] };
  const urls: string[] = [];
  for (const part of text.split(',')) {
    const parsed = parseEndpointUrl(part);
    if (!parsed.ok) return parsed;
    if (!urls.includes(parsed.url.text)) urls.push(parsed.url.text);
  }
  return { ok: true, urls: urls.sort() };
}

/** For URLs that were checked when they were read. */
export function mustParseUrl(text: string): EndpointUrl {
  const parsed = parseEndpointUrl(text);
  if (!parsed.ok) throw new TypeError(parsed.problem);
  return parsed.url;
}

/** A listener needs an address: names other than `localhost` are refused (embed/config.go, checkBindURLs). */
export function describeUnboundUrl(text: string): string | undefined {
  const url = mustParseUrl(text);
  if (url.socketPath !== undefined || url.host === 'localhost' || isIP(url.host) !== 0) {
    return undefined;
  }
  return `expected IP in URL for binding (${text})`;
}
