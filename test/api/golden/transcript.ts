import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { base64, fromBase64, textOf } from '../../../src/base/bytes.ts';
import { MemberListResponse } from '../../../src/wire/cluster.ts';
import { HealthCheckResponse, HealthListResponse } from '../../../src/wire/health.ts';
import {
  CompactionResponse,
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  RangeStreamResponse,
  TxnResponse,
} from '../../../src/wire/kv.ts';
import {
  AlarmResponse,
  DefragmentResponse,
  HashKVResponse,
  HashResponse,
  MoveLeaderResponse,
  StatusResponse,
} from '../../../src/wire/maintenance.ts';
import {
  CampaignResponse,
  LeaderResponse,
  ProclaimResponse,
  ResignResponse,
} from '../../../src/wire/election.ts';
import { LeaseGrantResponse } from '../../../src/wire/lease.ts';
import { LockResponse, UnlockResponse } from '../../../src/wire/lock.ts';
import type { Codec } from '../../../src/wire/message.ts';
import { KeyValue } from '../../../src/wire/mvccpb.ts';
import type { Answer, Call } from '../caller.ts';
import type { Step } from './scenario.ts';

/** What etcd answered to each call of a scenario. `messages` are its bytes; `shows` is for people. */
export interface RecordedStep {
  readonly step: Step;
  readonly answer: Answer;
}

interface StoredStep {
  readonly name: string;
  readonly path: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly take?: number;
  readonly request: string;
  readonly code: number;
  readonly text: string;
  readonly messages: readonly { readonly bytes: string; readonly shows: unknown }[];
}

/** The JSON files lie beside the sources; this runs from dist. */
export function goldenFile(name: string): string {
  return fileURLToPath(new URL(`../../../../test/api/golden/${name}.json`, import.meta.url));
}

export function encodeTranscript(scenario: string, steps: readonly RecordedStep[]): string {
  const stored = steps.map(({ step, answer }): StoredStep => {
    const { name, path, request, ...rest } = step;
    const messages = answer.messages.map((bytes) => ({
      bytes: base64(bytes),
      shows: show(path, bytes),
    }));
    // protobuf-go separates its prefix with either kind of space, so that nobody relies on the text.
    const text = answer.text.replaceAll('\u00a0', ' ');
    return { name, path, ...rest, request: base64(request), code: answer.code, text, messages };
  });
  return `${JSON.stringify({ scenario, etcd: '3.7.3', steps: stored }, undefined, 1)}\n`;
}

export function loadTranscript(name: string): readonly RecordedStep[] {
  const { steps } = JSON.parse(readFileSync(goldenFile(name), 'utf8')) as {
    readonly steps: readonly StoredStep[];
  };
  return steps.map(({ code, text, messages, request, ...call }) => ({
    step: { ...call, request: fromBase64(request) },
    answer: { code, text, messages: messages.map(({ bytes }) => fromBase64(bytes)) },
  }));
}

const responses: ReadonlyMap<string, Codec<unknown>> = new Map<string, Codec<never>>([
  ['/etcdserverpb.KV/Range', RangeResponse],
  ['/etcdserverpb.KV/RangeStream', RangeStreamResponse],
  ['/etcdserverpb.KV/Put', PutResponse],
  ['/etcdserverpb.KV/DeleteRange', DeleteRangeResponse],
  ['/etcdserverpb.KV/Txn', TxnResponse],
  ['/etcdserverpb.KV/Compact', CompactionResponse],
  ['/etcdserverpb.Maintenance/Status', StatusResponse],
  ['/etcdserverpb.Maintenance/HashKV', HashKVResponse],
  ['/etcdserverpb.Maintenance/Hash', HashResponse],
  ['/etcdserverpb.Maintenance/Alarm', AlarmResponse],
  ['/etcdserverpb.Maintenance/Defragment', DefragmentResponse],
  ['/etcdserverpb.Maintenance/MoveLeader', MoveLeaderResponse],
  ['/etcdserverpb.Cluster/MemberList', MemberListResponse],
  ['/etcdserverpb.Lease/LeaseGrant', LeaseGrantResponse],
  ['/v3lockpb.Lock/Lock', LockResponse],
  ['/v3lockpb.Lock/Unlock', UnlockResponse],
  ['/v3electionpb.Election/Campaign', CampaignResponse],
  ['/v3electionpb.Election/Leader', LeaderResponse],
  ['/v3electionpb.Election/Observe', LeaderResponse],
  ['/v3electionpb.Election/Proclaim', ProclaimResponse],
  ['/v3electionpb.Election/Resign', ResignResponse],
  ['/grpc.health.v1.Health/Check', HealthCheckResponse],
  ['/grpc.health.v1.Health/Watch', HealthCheckResponse],
  ['/grpc.health.v1.Health/List', HealthListResponse],
] as [string, Codec<never>][]) as ReadonlyMap<string, Codec<unknown>>;

/** A message as plain JSON: bytes as text, ids as decimal strings, fields at their default left out. */
export function show(path: Call['path'], bytes: Uint8Array): unknown {
  const codec = responses.get(path);
  if (codec === undefined) return base64(bytes);
  const { message, hasUnknownFields } = codec.inspect(bytes);
  return hasUnknownFields ? { hasUnknownFields, ...(plain(message) as object) } : plain(message);
}

const keyValueFields = ['kv', 'kvs', 'prevKv', 'prevKvs'];

function plain(value: unknown, field = ''): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) {
    return keyValueFields.includes(field) ? plain(KeyValue.decode(value)) : escaped(value);
  }
  if (Array.isArray(value)) return value.map((one) => plain(one, field));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, content]) => !isDefault(content));
  return Object.fromEntries(entries.map(([name, content]) => [name, plain(content, name)]));
}

function isDefault(value: unknown): boolean {
  const isEmpty = (value instanceof Uint8Array || Array.isArray(value)) && value.length === 0;
  return (
    isEmpty || value === undefined || value === 0 || value === 0n || value === '' || value === false
  );
}

function escaped(bytes: Uint8Array): string {
  const text = textOf(bytes);
  return text.includes('\ufffd') ? `base64 ${base64(bytes)}` : text;
}

/** An answer without what differs between any two clusters: ids, terms, indexes, sizes and addresses, present or not. */
export function comparable(path: Call['path'], { code, text, messages }: Answer): unknown {
  const isOwnHash = path === '/etcdserverpb.Maintenance/Hash';
  const shown = messages.map((bytes) => masked(show(path, bytes), isOwnHash));
  return { code, text: text.replaceAll('\u00a0', ' '), messages: shown };
}

const maskedFields: ReadonlySet<string> = new Set([
  'clusterId',
  'memberId',
  'raftTerm',
  'id',
  'leader',
  'raftIndex',
  'raftAppliedIndex',
  'name',
  'peerUrls',
  'clientUrls',
]);

/** Left out: etcd's file has a size before anything was written, our store has not. */
const ownFields: ReadonlySet<string> = new Set(['dbSize', 'dbSizeInUse']);

function masked(value: unknown, isOwnHash: boolean): unknown {
  if (Array.isArray(value)) return value.map((one) => masked(one, isOwnHash));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !ownFields.has(name));
  const entries = kept.map(([name, content]) => {
    // Of an election the leader is a message, and known.
    const isKnown = name === 'leader' && typeof content === 'object';
    const isMasked = (maskedFields.has(name) && !isKnown) || (isOwnHash && name === 'hash');
    return [name, isMasked ? 'present' : masked(content, isOwnHash)];
  });
  return Object.fromEntries(entries);
}
