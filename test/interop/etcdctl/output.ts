import { methodNamed } from '../../members/protocol.ts';
import type { CommandCase, Format } from './cases.ts';

/**
 * Brings the output of one etcdctl command into a form in which two clusters may be compared: what belongs to
 * the cluster rather than to the answer (ids, terms, indexes, sizes, URLs, times) is replaced by its kind.
 */

export interface Output {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export function comparableOutput(command: CommandCase, format: Format, output: Output): string {
  const text = output.stdout.toString('utf8');
  const isText = output.code !== 0 || command.kind === 'text';
  const shown = isText ? text : bodyOf(command, format, output.stdout, text);
  return [`exit code ${output.code}`, shown, errorsOf(output.stderr)].join('\n');
}

function bodyOf(command: CommandCase, format: Format, stdout: Buffer, text: string): string {
  switch (format) {
    case 'json':
      return JSON.stringify(withoutIdentity(JSON.parse(text)), null, 1);
    case 'fields':
      return fieldsBody(text);
    case 'table':
      return tableBody(text);
    case 'protobuf':
      return protobufBody(command, stdout);
    default:
      return simpleBody(command, text);
  }
}

/** etcdctl logs retries to standard error as JSON; the last line is the error itself. */
export function errorsOf(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{"level"'));
  return lines.map((line) => line.replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')).join('\n');
}

const identity = new Set(
  `cluster_id member_id raft_term leader ID raftIndex raftTerm raftAppliedIndex dbSize dbSizeInUse
   Endpoint endpoint peerURLs clientURLs took`.split(/\s+/),
);

/** JSON with identities replaced by "present"; members, which come in the order of their ids, by name. */
function withoutIdentity(value: unknown): unknown {
  if (Array.isArray(value)) {
    const list = value.map(withoutIdentity);
    const isMembers = list.some((item) => isRecord(item) && 'name' in item);
    return isMembers ? list.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)) : list;
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([field, inner]) => [
    field,
    identity.has(field) ? 'present' : withoutIdentity(inner),
  ]);
  return Object.fromEntries(entries);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Buffer.isBuffer(value);
}

function nameOf(value: unknown): string {
  return isRecord(value) ? String(value['name']) : '';
}

function protobufBody(command: CommandCase, stdout: Buffer): string {
  const message = methodNamed(command.method).responseDeserialize(stdout);
  return JSON.stringify(withoutIdentity(JSON.parse(JSON.stringify(message))), null, 1);
}

const identityFields =
  /^"(ClusterID|MemberID|RaftTerm|Leader|ID|RaftIndex|RaftAppliedIndex|DBSize|DBSizeInUse|PeerURL|ClientURL|Endpoint|Took)" : (?!0$).+$/gm;

/** Blocks are parted by empty lines; those of members come in the order of their ids. */
function fieldsBody(text: string): string {
  const named = text.replace(identityFields, '"$1" : present');
  const header = /^"ClusterID".*\n"MemberID".*\n"RaftTerm".*\n(?="ID")/.exec(named)?.[0] ?? '';
  const blocks = named.slice(header.length).split('\n\n');
  if (blocks.some((block) => block.includes('"Name"'))) blocks.sort();
  return header + blocks.join('\n\n');
}

const identityColumns = new Set([
  'ENDPOINT',
  'ID',
  'DB SIZE',
  'IN USE',
  'PERCENTAGE NOT IN USE',
  'IS LEADER',
  'RAFT TERM',
  'RAFT INDEX',
  'RAFT APPLIED INDEX',
  'TOOK',
  'PEER ADDRS',
  'CLIENT ADDRS',
]);

function tableBody(text: string): string {
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('│'))
    .map((line) =>
      line
        .split('│')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const [titles = [], ...body] = rows;
  const shown = body.map((row) =>
    row.map((cell, i) => (identityColumns.has(titles[i] ?? '') && cell !== '' ? 'present' : cell)),
  );
  return [titles, ...shown.map((row) => row.join(' | ')).sort()].join('\n');
}

/** Columns of `endpoint status` and `member list` in the simple format that hold identities. */
const statusIdentity = new Set([0, 1, 4, 5, 6, 8, 10, 11, 12]);
const memberIdentity = new Set([0, 3, 4]);

function simpleBody(command: CommandCase, text: string): string {
  switch (command.kind) {
    case 'pairs':
    case 'text':
      return text;
    case 'health':
      return text.replace(/http:\S+/g, 'URL').replace(/took = .*/g, 'took = present');
    case 'hashes':
      return columns(text, new Set([0]));
    case 'status':
      return columns(text, statusIdentity);
    case 'members':
      return columns(text, memberIdentity);
  }
}

function columns(text: string, hidden: ReadonlySet<number>): string {
  const lines = text.split('\n').map((line) =>
    line
      .split(', ')
      .map((cell, i) => (hidden.has(i) && cell !== '' ? 'present' : cell))
      .join(', '),
  );
  return lines.sort().join('\n');
}
