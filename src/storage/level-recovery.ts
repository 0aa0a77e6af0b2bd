import { promises as files } from 'node:fs';
import type { Bytes } from '../base/bytes.ts';
import { textOf } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';

/**
 * LevelDB repairs itself in silence: on opening it drops damaged records of its log files, up to 32 KiB at a
 * time, and goes on with what follows (LevelDB 1.20, db/log_reader.cc). For a log of promises that is a hole.
 * So its log files are read before it does, by its own format (doc/log_format.md), and its info LOG afterwards.
 *
 * The one damage a crash may leave is a torn record at the very end of the newest file: every batch is synced
 * and one at a time, so nothing that was acknowledged can follow, or be, a torn record.
 */

const blockBytes = 32 * 1024;
const headerBytes = 7;
const full = 1;
const first = 2;
const last = 4;

export interface LogFileState {
  readonly name: string;
  readonly sizeBytes: number;
  /** Where reading fails first, or undefined. */
  readonly damagedAt: number | undefined;
  /** Whether a record begins after that: then it is not torn, but a hole. */
  readonly isFollowed: boolean;
}

export function isLogFile(name: string): boolean {
  return /^\d+\.log$/.test(name);
}

export async function inspectLogFiles(folder: string): Promise<readonly LogFileState[]> {
  const names = await files.readdir(folder).catch(() => []);
  const states: LogFileState[] = [];
  for (const name of names.filter(isLogFile)) {
    states.push(inspectLogFile(name, await files.readFile(`${folder}/${name}`)));
  }
  return states.sort((a, b) => Number.parseInt(a.name, 10) - Number.parseInt(b.name, 10));
}

export function inspectLogFile(name: string, content: Bytes): LogFileState {
  let damagedAt: number | undefined;
  let isFollowed = false;
  // Where the unfinished logical record began, while one is open.
  let openAt: number | undefined;
  for (let block = 0; block < content.length; block += blockBytes) {
    const end = Math.min(block + blockBytes, content.length);
    for (let at = block; at < end;) {
      if (end - at < headerBytes) {
        // Zeros that fill a block up, or a header cut off by the end of the file.
        if (end === content.length && end - block < blockBytes) damagedAt ??= openAt ?? at;
        break;
      }
      const record = readPhysicalRecord(content, at, end);
      if (record === undefined) {
        damagedAt ??= openAt ?? at;
        isFollowed ||= hasRecordStart(content, at + 1, end);
        break;
      }
      const begins = record.type === full || record.type === first;
      if (begins !== (openAt === undefined)) damagedAt ??= openAt ?? at;
      if (begins && damagedAt !== undefined) isFollowed = true;
      if (record.type === first) openAt = at;
      else if (record.type === full || record.type === last) openAt = undefined;
      at += headerBytes + record.length;
    }
  }
  return { name, sizeBytes: content.length, damagedAt: damagedAt ?? openAt, isFollowed };
}

/** Looks at every offset: where a record is damaged its length cannot be trusted to lead to the next. */
function hasRecordStart(content: Bytes, from: number, blockEnd: number): boolean {
  for (let at = from; at + headerBytes <= blockEnd; at++) {
    const type = content[at + 6];
    if (type !== full && type !== first) continue;
    if (readPhysicalRecord(content, at, blockEnd) !== undefined) return true;
  }
  return false;
}

function readPhysicalRecord(
  content: Bytes,
  at: number,
  blockEnd: number,
): { readonly type: number; readonly length: number } | undefined {
  const length = (content[at + 4] as number) | ((content[at + 5] as number) << 8);
  const type = content[at + 6] as number;
  const end = at + headerBytes + length;
  if (type < full || type > last || end > blockEnd) return undefined;
  const expected = unmask(readLittleEndian(content, at));
  return crc32c(content.subarray(at + 6, end)) === expected ? { type, length } : undefined;
}

function readLittleEndian(content: Bytes, at: number): number {
  return (
    ((content[at] as number) |
      ((content[at + 1] as number) << 8) |
      ((content[at + 2] as number) << 16) |
      ((content[at + 3] as number) << 24)) >>>
    0
  );
}

/** LevelDB stores checksums rotated and shifted by a constant (util/crc32c.h). */
function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

/**
 * What LevelDB's opening of `folder` has lost, as a sentence, or undefined. `before` is what `inspectLogFiles`
 * found before it.
 */
export async function checkRecovery(
  folder: string,
  before: readonly LogFileState[],
): Promise<string | undefined> {
  const lines = textOf(await files.readFile(`${folder}/LOG`)).split('\n');
  const recovered = new Set(
    lines.flatMap((line) => {
      const match = /Recovering log #(\d+)/.exec(line);
      return match === null ? [] : [Number(match[1])];
    }),
  );
  // An opening that was itself cut short leaves a newer file with nothing in it.
  const newest = before.findLast((file) => file.sizeBytes > 0);
  for (const file of before) {
    if (file.damagedAt === undefined || !recovered.has(Number.parseInt(file.name, 10))) continue;
    if (file === newest && !file.isFollowed) continue;
    return (
      `LevelDB's log file ${folder}/${file.name} is damaged at byte ${file.damagedAt} of ` +
      `${file.sizeBytes}, and not only at its end`
    );
  }
  const complaint = lines.find(
    (line) =>
      /dropping \d+ bytes|Corruption|Ignoring error/.test(line) &&
      !(newest?.damagedAt !== undefined && line.includes(`/${newest.name}: dropping`)),
  );
  return complaint === undefined
    ? undefined
    : `LevelDB lost records while it opened ${folder}: "${complaint.trim()}"`;
}
