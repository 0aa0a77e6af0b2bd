import type { InitialMember } from './server-config.ts';
import { parseEndpointUrl } from './urls.ts';

/** `--initial-cluster`: `name=url,name=url`, where a name may come more than once. */
export function parseInitialCluster(
  text: string,
):
  | { readonly ok: true; readonly members: readonly InitialMember[] }
  | { readonly ok: false; readonly problem: string } {
  const members: InitialMember[] = [];
  for (const part of text.split(',')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    const parsed = parseEndpointUrl(equals < 0 ? '' : part.slice(equals + 1));
    if (!parsed.ok) return parsed;
    members.push({ name, peerUrl: parsed.url.text });
  }
  return { ok: true, members: members.sort(byText) };
}

function byText(a: InitialMember, b: InitialMember): number {
  const [left, right] = [formatInitialMember(a), formatInitialMember(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function formatInitialMember({ name, peerUrl }: InitialMember): string {
  return `${name}=${peerUrl}`;
}

export function formatInitialCluster(members: readonly InitialMember[]): string {
  return members.map(formatInitialMember).join(',');
}
