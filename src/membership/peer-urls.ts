/**
 * The peer URLs of a member as they go into its record: without blanks around them, and sorted; undefined when
 * there is none, or one is not a URL that a member can have (etcd client/pkg/types/urls.go, `NewURLs`).
 */
export function readPeerUrls(texts: readonly string[]): readonly string[] | undefined {
  if (texts.length === 0) return undefined;
  const urls: string[] = [];
  for (const text of texts) {
    const url = text.trim();
    if (!isPeerUrl(url)) return undefined;
    urls.push(url);
  }
  return urls.sort();
}

const portMax = 65_535;

function isPeerUrl(url: string): boolean {
  if (/^unixs?:\/\/[^\s]+$/i.test(url)) return true;
  const tcp = /^https?:\/\/(?:\[[0-9a-f:.%]+\]|[^\s:/?#[\]@]*):(\d{1,5})$/i.exec(url);
  return tcp !== null && Number(tcp[1]) <= portMax;
}
