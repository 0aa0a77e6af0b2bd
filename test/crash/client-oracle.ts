import type { Answer, RawClient } from '../members/client.ts';
import type { WireObject } from '../members/protocol.ts';
import type { ClientHistory, KeyState } from './client-history.ts';
import { Late, Lie } from './life.ts';
import type { JudgedImage } from './life.ts';

type Call = (method: string, request: object) => Promise<Answer>;

/** Asks a member that has started on an image for all that it had told its clients. */

/** Times the image's `patience`. */
const deadlineMs = 20_000;
const codeDeadlineExceeded = 4;
/** Hashes of the original that are compared with those of the image. */
const hashesMax = 3;

export function mustAnswer(answer: Answer, what: string): WireObject {
  if (answer.ok) return answer.message;
  const text = `${what}: ${answer.code} ${answer.text}`;
  throw answer.code === codeDeadlineExceeded ? new Late(text) : new Error(text);
}

export async function checkClient(
  raw: RawClient,
  history: ClientHistory,
  { promisedAt, patience }: Pick<JudgedImage, 'promisedAt' | 'patience'>,
): Promise<void> {
  const call: Call = (method, request) =>
    raw.call(method, request, { deadlineMs: deadlineMs * patience });
  const newest = await read(call, 0);
  const promised = history.revisionAt(promisedAt);
  if (newest.revision < promised) {
    throw new Lie(
      `revision ${promised} was acknowledged, and the member stands at ${newest.revision}`,
    );
  }
  if (newest.revision > history.lastRevision) {
    throw new Lie(`revision ${newest.revision} was never written`);
  }
  compare(newest.keys, history.stateAt(newest.revision), newest.revision);
  const compacted = await checkHashes(call, history, newest.revision);
  if (compacted < history.compactionAt(promisedAt)) {
    throw new Lie(`the compaction at ${history.compactionAt(promisedAt)} is at ${compacted}`);
  }
  for (const revision of [compacted, Math.floor((compacted + newest.revision) / 2)]) {
    if (revision < 2 || revision >= newest.revision) continue;
    compare((await read(call, revision)).keys, history.stateAt(revision), revision);
  }
  const leases = mustAnswer(await call('Lease.LeaseLeases', {}), 'LeaseLeases');
  const found = (leases['leases'] ?? []) as readonly WireObject[];
  history.checkLeases(promisedAt, new Set(found.map((lease) => String(lease['ID']))));
  const put = { key: Buffer.from('after'), value: Buffer.from('it writes again') };
  mustAnswer(await call('KV.Put', put), 'a write after the start');
}

interface Read {
  readonly revision: number;
  readonly keys: ReadonlyMap<string, KeyState>;
}

async function read(call: Call, revision: number): Promise<Read> {
  const all = { key: Buffer.from([0]), range_end: Buffer.from([0]), revision };
  const answer = mustAnswer(await call('KV.Range', all), `Range at ${revision}`);
  const keys = new Map<string, KeyState>();
  for (const kv of (answer['kvs'] ?? []) as readonly WireObject[]) {
    keys.set(textOf(kv['key']), {
      value: textOf(kv['value']),
      createRevision: Number(kv['create_revision']),
      modRevision: Number(kv['mod_revision']),
      version: Number(kv['version']),
      lease: String(kv['lease'] ?? '0'),
    });
  }
  return { revision: Number((answer['header'] as WireObject)['revision']), keys };
}

const textOf = (bytes: unknown): string => Buffer.from((bytes ?? []) as Uint8Array).toString();

function compare(
  found: ReadonlyMap<string, KeyState>,
  expected: ReadonlyMap<string, KeyState>,
  revision: number,
): void {
  for (const [key, state] of expected) {
    const other = found.get(key);
    if (other?.value === state.value && describe(other) === describe(state)) continue;
    throw new Lie(
      `at revision ${revision} ${key} is ${describe(other)}, where ${describe(state)} was acknowledged`,
    );
  }
  for (const [key, state] of found) {
    if (!expected.has(key)) {
      throw new Lie(`at revision ${revision} ${key} is ${describe(state)}, which was not there`);
    }
  }
}

function describe(state: KeyState | undefined): string {
  if (state === undefined) return 'gone';
  const { value, createRevision, modRevision, version, lease } = state;
  const short = value.length > 30 ? `${value.slice(0, 20)}… of ${value.length} bytes` : value;
  return `"${short}" (created ${createRevision}, modified ${modRevision}, version ${version}, lease ${lease})`;
}

/** Answers the member's compact revision. */
async function checkHashes(call: Call, history: ClientHistory, revision: number): Promise<number> {
  const now = mustAnswer(await call('Maintenance.HashKV', {}), 'HashKV');
  const compactRevision = Number(now['compact_revision'] ?? 0);
  const comparable = history.hashes.filter(
    (known) => known.compactRevision === compactRevision && known.revision <= revision,
  );
  for (const known of comparable.slice(-hashesMax)) {
    const request = { revision: known.revision };
    const answer = mustAnswer(await call('Maintenance.HashKV', request), 'HashKV');
    if (Number(answer['hash']) !== known.hash) {
      throw new Lie(
        `the hash at revision ${known.revision} is ${String(answer['hash'])}, and was ${known.hash}`,
      );
    }
  }
  return compactRevision;
}
