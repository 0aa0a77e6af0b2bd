/** Where a server listens: a host and port, or a Unix socket's path. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Why a server does not listen. `text` is as Go's net package says it, which is what etcd prints. */
export interface ListenError {
  /** Node's code, for example `EADDRINUSE`; `EINVAL` for an address that is none. */
  readonly code: string;
  readonly address: string;
  readonly text: string;
}

/** Reads `host:port`, `[v6]:port`, `:port` (every interface) and `unix://path`; undefined is malformed. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const unix = /^unix:(?:\/\/|(?!\/\/))(.+)$/.exec(text);
  if (unix !== null) return { kind: 'unix', path: unix[1] as string };
  const tcp = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (tcp === null) return undefined;
  const port = Number(tcp[3]);
  return port > 65_535 ? undefined : { kind: 'tcp', host: tcp[1] ?? tcp[2] ?? '', port };
}

export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix://${address.path}`;
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'bind: address already in use',
  EADDRNOTAVAIL: 'bind: cannot assign requested address',
  EACCES: 'bind: permission denied',
  EINVAL: 'bind: invalid argument',
  ENOENT: 'bind: no such file or directory',
};

export function listenError(address: string, code: string, detail: string): ListenError {
  const network = address.startsWith('unix:') ? 'unix' : 'tcp';
  const place = address.replace(/^unix:(\/\/)?/, '');
  return { code, address, text: `listen ${network} ${place}: ${reasons[code] ?? detail}` };
}
