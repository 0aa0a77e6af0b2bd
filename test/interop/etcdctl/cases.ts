/** What the real etcdctl is made to do. Commands run in this order on both clusters. */

export const formats = ['simple', 'json', 'fields', 'table', 'protobuf'] as const;
export type Format = (typeof formats)[number];

/** What a command prints, which says how its output is compared. */
export type OutputKind = 'pairs' | 'text' | 'status' | 'health' | 'hashes' | 'members';

export interface CommandCase {
  readonly args: readonly string[];
  /** Standard input. */
  readonly input?: string;
  readonly kind: OutputKind;
  /** The method whose answer `-w protobuf` prints. */
  readonly method: string;
}

const pairs = (method: string, line: string, input?: string): CommandCase => ({
  args: line.split(' ').filter((word) => word !== ''),
  kind: 'pairs',
  method: `KV.${method}`,
  ...(input === undefined ? {} : { input }),
});

const put = (line: string, input?: string): CommandCase => pairs('Put', `put ${line}`, input);
const get = (line: string): CommandCase => pairs('Range', `get ${line}`);
const del = (line: string): CommandCase => pairs('DeleteRange', `del ${line}`);
const txn = (...lines: readonly string[]): CommandCase =>
  pairs('Txn', 'txn', `${lines.join('\n')}\n\n`);

/** The writes of one format; they leave the same keys behind each time. */
export function writes(format: Format): readonly CommandCase[] {
  const key = `${format}/a`;
  return [
    put(`${key} one`),
    put(`${key} two --prev-kv`),
    put(`${key} --ignore-value`),
    put(`${format}/none --ignore-value`),
    put(`${format}/b`, 'from standard input'),
    put(`${format}/c \xe9\u4e16`),
    put(`${key} --lease=7b three`),
    txn(`value("${key}") = "two"`, '', `put ${format}/t 1`, `get ${format}/t`, '', `del ${key}`),
    txn(`mod("${key}") = "0"`, '', `put ${format}/t 1`, '', `del ${format}/t --prev-kv`),
    txn(`version("${key}") > "0"`, '', `put ${key} x`, `put ${key} y`, ''),
    txn('', `get ${key}`, ''),
    del(`${format}/none`),
    del(`${key} --prev-kv`),
    put(`${key} four`),
    put(`${format}/z zz`),
    del(`${format}/a ${format}/c --prev-kv`),
    del(`${format}/ --prefix`),
    put(`${key} 3`),
    put(`${format}/b 2`),
    put(`${format}/c 1`),
    put(`${format}/b 22`),
  ];
}

/** Reads of what `writes` left behind; `revision` is a readable revision, `compacted` one that is not. */
export function reads(format: Format, revision: number, compacted: number): readonly CommandCase[] {
  const prefix = `${format}/ --prefix`;
  return [
    get(`${format}/a`),
    get(`${format}/none`),
    get(prefix),
    get(`${prefix} --limit=2`),
    get(`${prefix} --keys-only`),
    get(`${prefix} --count-only`),
    get(`${prefix} --print-value-only`),
    get(`${prefix} --hex`),
    get(`${prefix} --stream`),
    get(`${prefix} --consistency=s`),
    get(`${prefix} --order=DESCEND --sort-by=KEY`),
    get(`${prefix} --order=ASCEND --sort-by=VALUE`),
    get(`${prefix} --order=DESCEND --sort-by=MODIFY`),
    get(`${prefix} --order=DESCEND --sort-by=CREATE --limit=1`),
    get(`${prefix} --order=DESCEND --sort-by=VERSION --limit=1`),
    get(`${prefix} --min-mod-rev=${revision}`),
    get(`${prefix} --max-create-rev=${revision}`),
    get(`${format}/a ${format}/c`),
    get(`${format}/b --from-key --limit=2`),
    get(`${prefix} --rev=${revision}`),
    get(`${prefix} --rev=${compacted}`),
    get(`${prefix} --rev=1000000`),
  ];
}

export const aboutMembers: readonly CommandCase[] = [
  { args: ['endpoint', 'status'], kind: 'status', method: 'Maintenance.Status' },
  { args: ['endpoint', 'health'], kind: 'health', method: 'KV.Range' },
  { args: ['endpoint', 'hashkv'], kind: 'hashes', method: 'Maintenance.HashKV' },
  { args: ['member', 'list'], kind: 'members', method: 'Cluster.MemberList' },
];

/** It prints a sentence, whatever the format. */
export const compact = (revision: number, flags = ''): CommandCase => ({
  ...pairs('Compact', `compaction ${revision} ${flags}`),
  kind: 'text',
});
