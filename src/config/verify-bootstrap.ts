import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { formatInitialCluster } from './initial-cluster.ts';
import type { ServerConfig } from './server-config.ts';
import { mustParseUrl } from './urls.ts';

export type ResolveHost = (host: string) => Promise<string>;

export const resolveByDns: ResolveHost = async (host) => (await lookup(host)).address;

/**
 * Whether a new member may start with this cluster configuration: it must name the member, with the peer URLs that
 * the member advertises, and no URL twice. For an empty data directory only: later the log says who is a member.
 * The texts are etcd's (server/config/config.go, VerifyBootstrap); undefined means that all is well.
 */
export async function verifyBootstrap(
  config: ServerConfig,
  resolve: ResolveHost = resolveByDns,
): Promise<string | undefined> {
  const own = ownPeerUrls(config);
  if (own.length === 0) return describeUnnamed(config);
  const mismatch = await describeMismatch(config, own.sort(), resolve);
  if (mismatch !== undefined) return mismatch;
  return describeRepeatedUrl(config);
}

/** The same for a member that joins: the cluster, not its own flags, says where it is reached. */
export function verifyJoin(config: ServerConfig): string | undefined {
  return ownPeerUrls(config).length === 0 ? describeUnnamed(config) : describeRepeatedUrl(config);
}

function ownPeerUrls({ name, initialCluster }: ServerConfig): string[] {
  return initialCluster.filter((member) => member.name === name).map(({ peerUrl }) => peerUrl);
}

function describeUnnamed({ name }: ServerConfig): string {
  return `couldn't find local name "${name}" in the initial cluster configuration`;
}

function describeRepeatedUrl({ initialCluster }: ServerConfig): string | undefined {
  const urls = initialCluster.map(({ peerUrl }) => peerUrl);
  if (new Set(urls).size === urls.length) return undefined;
  return `initial cluster ${formatInitialCluster(initialCluster)} has duplicate url`;
}

async function describeMismatch(
  config: ServerConfig,
  own: readonly string[],
  resolve: ResolveHost,
): Promise<string | undefined> {
  const advertised = [...config.initialAdvertisePeerUrls].sort();
  const difference = await describeUrlDifference(advertised, own, resolve);
  if (difference === undefined) return undefined;
  const notAdvertised = own.filter((url) => !advertised.includes(url));
  if (notAdvertised.length > 0) {
    const missing = notAdvertised.map((url) => `${config.name}=${url}`).join(',');
    return (
      `--initial-cluster has ${missing} but missing from ` +
      `--initial-advertise-peer-urls=${advertised.join(',')} (${difference})`
    );
  }
  const shown = formatInitialCluster(advertised.map((peerUrl) => ({ name: config.name, peerUrl })));
  const notInCluster = advertised.filter((url) => !own.includes(url)).join(',');
  return `--initial-advertise-peer-urls has ${notInCluster} but missing from --initial-cluster=${shown}`;
}

/** Two lists are the same when their hosts are, by text or by address (pkg/netutil, URLStringsEqual). */
export async function describeUrlDifference(
  advertised: readonly string[],
  own: readonly string[],
  resolve: ResolveHost,
): Promise<string | undefined> {
  if (advertised.length !== own.length) {
    return `len(${formatGoList(advertised)}) != len(${formatGoList(own)})`;
  }
  if (advertised.every((url, i) => url === own[i])) return undefined;
  try {
    const left = await Promise.all(advertised.map((url) => resolveUrl(url, resolve)));
    const right = await Promise.all(own.map((url) => resolveUrl(url, resolve)));
    left.sort();
    right.sort();
    const at = left.findIndex((url, i) => url !== right[i]);
    return at < 0 ? undefined : `resolved urls: "${left[at]}" != "${right[at]}"`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function resolveUrl(text: string, resolve: ResolveHost): Promise<string> {
  const { scheme, host, port, socketPath } = mustParseUrl(text);
  // etcd leaves `localhost` as it is: it is not the same as 127.0.0.1 here.
  if (socketPath !== undefined || host === 'localhost') return text;
  const address = isIP(host) === 0 ? await resolve(host) : host;
  return `${scheme}://${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
}

function formatGoList(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`;
}
