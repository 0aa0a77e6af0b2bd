/** Where a peer URL leads: what a channel connects to, or why it cannot be used. */
export type PeerTarget =
  { readonly ok: true; readonly address: string } | { readonly ok: false; readonly reason: string };

/** Reads `http://host:port` and `unix://path`. */
export function parsePeerUrl(url: string): PeerTarget {
  if (url.startsWith('unix://') && url.length > 'unix://'.length) return { ok: true, address: url };
  const http = /^http:\/\/((?:\[[^\]/]+\]|[^:/[\]]+):\d{1,5})\/?$/.exec(url);
  if (http !== null) return { ok: true, address: http[1] as string };
  return { ok: false, reason: `peer URL ${url} is not http://host:port or unix://path` };
}
