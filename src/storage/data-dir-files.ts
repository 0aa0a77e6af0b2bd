import { hex, textOf, utf8 } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import { StorageError, causeText, rejoinAdvice, writeAdvice } from './errors.ts';
import { replaceFile, settled, temporarySuffix } from './fs.ts';
import type { Fs, FsEntry } from './fs.ts';
import { decodeLineage, encodeLineage, LineageEntry } from '../wire/lineage.ts';
import type { DataDirIdentity } from './types.ts';

/**
 * What lies in a data dir:
 *
 *     identity.json   whose data this is, its lineage, and the format
 *     current.json    the number of the file set in force; replaced by a rename
 *     log-000001/ store-000001/ witness-000001     a file set
 *     reserve         space to be given back when the disk is full
 *     loss.json       what this member has lost for good; it must not vote again
 *     creating        there while the data dir is being made
 */
export const names = {
  identity: 'identity.json',
  current: 'current.json',
  reserve: 'reserve',
  creating: 'creating',
  loss: 'loss.json',
} as const;

/** The format of the whole data dir, raised when an older program could not read it. */
const dataDirFormat = 2;

export interface FileSetPaths {
  readonly log: string;
  readonly store: string;
  readonly witness: string;
}

export function fileSetPaths(dataDir: string, fileSet: number): FileSetPaths {
  const suffix = String(fileSet).padStart(6, '0');
  return {
    log: `${dataDir}/log-${suffix}`,
    store: `${dataDir}/store-${suffix}`,
    witness: `${dataDir}/witness-${suffix}`,
  };
}

/** The number of the file set that an entry of the data dir belongs to. */
export function fileSetOf(name: string): number | undefined {
  const match = /^(?:log|store|witness)-(\d{6,})$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export type Inspection =
  | { readonly kind: 'absent' }
  /** Nothing in it, or what an interrupted creation left. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'ours' }
  | { readonly kind: 'refused'; readonly error: StorageError };

/** What stands beside nothing: a file system's own folder, and the first step of an interrupted creation. */
const negligible: ReadonlySet<string> = new Set([
  'lost+found',
  `${names.creating}${temporarySuffix}`,
]);

/** Looks at a data dir and touches nothing. */
export function inspectDataDir(fs: Fs, dataDir: string): Inspection {
  const listed = fs.list(dataDir);
  if (listed === undefined) return { kind: 'absent' };
  const entries = listed.filter((entry) => !negligible.has(entry.name));
  if (entries.length === 0) return { kind: 'empty' };
  const foreign = entries.find((entry) => !isOurs(entry));
  if (foreign !== undefined) return { kind: 'refused', error: refusal(fs, dataDir, foreign) };
  const has = (name: string): boolean => entries.some((entry) => entry.name === name);
  if (has(names.current) && has(names.identity)) return { kind: 'ours' };
  if (has(names.creating)) return { kind: 'empty' };
  const missing = has(names.current) ? names.identity : names.current;
  return { kind: 'refused', error: damagedFile(dataDir, missing, 'is missing') };
}

const fileNames: ReadonlySet<string> = new Set<string>(
  Object.values(names).flatMap((name) => [name, `${name}${temporarySuffix}`]),
);

function isOurs(entry: FsEntry): boolean {
  if (fileSetOf(entry.name) === undefined)
    return entry.kind === 'file' && fileNames.has(entry.name);
  return entry.kind === (entry.name.startsWith('witness') ? 'file' : 'folder');
}

function refusal(fs: Fs, dataDir: string, foreign: FsEntry): StorageError {
  const inside = foreign.name === 'member' ? (fs.list(`${dataDir}/member`) ?? []) : [];
  if (inside.some((entry) => entry.name === 'wal' || entry.name === 'snap')) {
    return new StorageError(
      'DATA_DIR_REFUSED',
      `${dataDir} is the data dir of an etcd server (it has member/wal or member/snap) and was not ` +
        `touched. It cannot be taken over yet: a migration is to come. Use another data dir.`,
    );
  }
  return new StorageError(
    'DATA_DIR_REFUSED',
    `${dataDir} holds "${foreign.name}", which is not part of a data dir of this program; nothing ` +
      `in it was touched. Use an empty data dir.`,
  );
}

export function damagedFile(dataDir: string, name: string, what: string): StorageError {
  const message = `${dataDir}/${name} ${what}. ${rejoinAdvice(dataDir)}`;
  return new StorageError('FILE_DAMAGED', message);
}

export function encodeIdentity(identity: DataDirIdentity): Bytes {
  return encodeText({
    format: dataDirFormat,
    clusterId: identity.clusterId.toString(16),
    memberId: identity.memberId.toString(16),
    incarnation: identity.incarnation.toString(16),
    ...(identity.lineage && { lineage: decodeLineage(identity.lineage) }),
  });
}

export function loadIdentity(fs: Fs, dataDir: string): DataDirIdentity {
  const content = decodeText(fs.readFile(`${dataDir}/${names.identity}`));
  if (content === undefined) throw damagedFile(dataDir, names.identity, 'is damaged');
  if (content['format'] !== dataDirFormat) {
    throw new StorageError(
      'FORMAT_UNSUPPORTED',
      `${dataDir} has format ${String(content['format'])}; this program knows format ` +
        `${dataDirFormat} only. Use the version that wrote it, or a newer one.`,
    );
  }
  const id = (name: string): bigint => {
    const value = content[name];
    if (typeof value === 'string' && /^[0-9a-f]{1,16}$/.test(value)) return BigInt(`0x${value}`);
    throw damagedFile(dataDir, names.identity, `has no ${name}`);
  };
  const lineage = readLineage(content['lineage']);
  if (lineage === 'damaged') throw damagedFile(dataDir, names.identity, 'has no lineage');
  return {
    clusterId: id('clusterId'),
    memberId: id('memberId'),
    incarnation: id('incarnation'),
    ...(lineage && { lineage }),
  };
}

function readLineage(content: unknown): Bytes | 'damaged' | undefined {
  if (content === undefined) return undefined;
  if (!Array.isArray(content)) return 'damaged';
  const entries = content.map((entry) => LineageEntry.create(entry as Partial<LineageEntry>));
  return encodeLineage(entries);
}

/** For a data dir that nothing else writes to: durable when it resolves. */
export async function replaceIdentity(
  fs: Fs,
  dataDir: string,
  identity: DataDirIdentity,
): Promise<void> {
  const file = { folder: dataDir, name: names.identity };
  await settled((done) => replaceFile(fs, file, encodeIdentity(identity), done)).catch((error) => {
    const text = `${dataDir}/${names.identity} cannot be written: ${causeText(error)}`;
    throw new StorageError('WRITE_FAILED', `${text}. ${writeAdvice(dataDir)}`, error);
  });
}

export function encodePointer(fileSet: number): Bytes {
  return encodeText({ fileSet });
}

export function loadPointer(fs: Fs, dataDir: string): number {
  const fileSet = decodeText(fs.readFile(`${dataDir}/${names.current}`))?.['fileSet'];
  if (typeof fileSet === 'number' && Number.isSafeInteger(fileSet)) return fileSet;
  throw damagedFile(dataDir, names.current, 'is damaged');
}

export function encodeLoss(loss: string): Bytes {
  return encodeText({ loss });
}

/** The sentence that an earlier opening has left, or undefined. */
export function loadLoss(fs: Fs, dataDir: string): string | undefined {
  const file = fs.readFile(`${dataDir}/${names.loss}`);
  if (file === undefined) return undefined;
  const loss = decodeText(file)?.['loss'];
  return typeof loss === 'string'
    ? loss
    : 'This member has lost something; what it was cannot be read.';
}

/** A line of JSON, for people to read, and a line with its checksum. */
function encodeText(content: Readonly<Record<string, unknown>>): Bytes {
  const line = JSON.stringify(content);
  return utf8(`${line}\n${checksumLine(line)}\n`);
}

function decodeText(file: Bytes | undefined): Readonly<Record<string, unknown>> | undefined {
  const [line, checksum] = textOf(file ?? new Uint8Array()).split('\n');
  if (line === undefined || checksum !== checksumLine(line)) return undefined;
  const content: unknown = JSON.parse(line);
  return typeof content === 'object' && content !== null ? { ...content } : undefined;
}

function checksumLine(line: string): string {
  const crc = crc32c(utf8(line));
  return `crc32c ${hex(new Uint8Array([crc >>> 24, crc >>> 16, crc >>> 8, crc]))}`;
}
