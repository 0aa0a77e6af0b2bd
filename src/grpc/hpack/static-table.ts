/** The static table (RFC 7541, appendix A) from index 1: a name, and after a space its value. */
const rows: readonly string[] = [
  ':authority',
  ':method GET',
  ':method POST',
  ':path /',
  ':path /index.html',
  ':scheme http',
  ':scheme https',
  ':status 200',
  ':status 204',
  ':status 206',
  ':status 304',
  ':status 400',
  ':status 404',
  ':status 500',
  'accept-charset',
  'accept-encoding gzip, deflate',
  'accept-language',
  'accept-ranges',
  'accept',
  'access-control-allow-origin',
  'age',
  'allow',
  'authorization',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'etag',
  'expect',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'link',
  'location',
  'max-forwards',
  'proxy-authenticate',
  'proxy-authorization',
  'range',
  'referer',
  'refresh',
  'retry-after',
  'server',
  'set-cookie',
  'strict-transport-security',
  'transfer-encoding',
  'user-agent',
  'vary',
  'via',
  'www-authenticate',
];

export const staticLength = rows.length;

/** By index; nothing is at 0. */
export const staticNames: readonly string[] = ['', ...rows.map((row) => splitRow(row)[0])];
export const staticValues: readonly string[] = ['', ...rows.map((row) => splitRow(row)[1])];

export interface StaticName {
  /** The lowest index that has the name. */
  readonly index: number;
  /** The index of each of its values. */
  readonly byValue: ReadonlyMap<string, number>;
}

export const staticByName: ReadonlyMap<string, StaticName> = groupByName();

function splitRow(row: string): readonly [string, string] {
  const space = row.indexOf(' ');
  return space < 0 ? [row, ''] : [row.slice(0, space), row.slice(space + 1)];
}

function groupByName(): ReadonlyMap<string, StaticName> {
  const byName = new Map<string, { index: number; byValue: Map<string, number> }>();
  for (let index = 1; index <= rows.length; index++) {
    const name = staticNames[index] as string;
    const known = byName.get(name) ?? { index, byValue: new Map<string, number>() };
    known.byValue.set(staticValues[index] as string, index);
    byName.set(name, known);
  }
  return byName;
}
