import { hasInside, isMessage } from './messages.ts';
import type { Answer } from '../members/client.ts';
import type { WireObject, WireValue } from '../members/protocol.ts';
import type { Call, Operation, WatchStep } from './operation.ts';

/** A key-value pair as last seen in an answer of the reference. */
export interface SeenPair {
  readonly version: number;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly value: Uint8Array;
}

function mayRevive(txn: WireObject): boolean {
  return hasInside(txn, 'request_delete_range') && hasInside(txn, 'request_put');
}

/** A lease that is there, by the id that the client chose or the name of the one that was picked. */
export interface SeenLease {
  readonly ttlSeconds: number;
  /** On the clock of this process. */
  readonly expiresAtMs: number;
}

export interface SeenWatches {
  /** Ids of the watches that were created and not canceled by the client. */
  ids: readonly string[];
  isHalfClosed: boolean;
}

/** Hashes of how many compactions etcd keeps (server/storage/mvcc/hash.go). */
const hashesMax = 10;

/** How many keys are remembered; the oldest go first. */
const seenMax = 500;

/**
 * What the reference's answers tell of its store, so that the stream can aim at real revisions and at compares
 * that hold. It follows the reference alone: a fault of the subject does not change the stream.
 */
export class World {
  revision = 1;
  compacted = 0;
  /** Revisions that were compacted at, the newest last. */
  readonly compactions: number[] = [];
  /**
   * Those of them whose hash is not certain. HashKV at a compaction's revision answers from a cache, which is
   * filled when the compaction ends, if the one before had ended when it began (etcd's issue 15919). Both are
   * certain only of physical compactions, which are answered at their end.
   */
  readonly #uncertainHashes = new Set<number>();
  /**
   * Revisions of transactions that both deleted and put. If that was one key, etcd 3.7.3 loses it in a compaction
   * at that very revision (mvcc/key_index.go takes the tombstone for what is to be kept), and dies when it is
   * read. So nothing is compacted there.
   */
  readonly #rebirths = new Set<number>();
  #wasPhysical = true;
  readonly seen = new Map<string, SeenPair>();
  readonly leases = new Map<string, SeenLease>();
  /** Open watch streams by their numbers. */
  readonly watches = new Map<number, SeenWatches>();
  #streams = 0;
  #picked = 0;

  /** The streams that the client may still send on, oldest first. */
  get openStreams(): readonly number[] {
    return [...this.watches]
      .filter(([, { isHalfClosed }]) => !isHalfClosed)
      .map(([stream]) => stream);
  }

  /** The number of a watch stream that was not there before. */
  nextStream(): number {
    return this.#streams++;
  }

  /** The number of a lease whose id the server is to pick. */
  nextPicked(): number {
    return ++this.#picked;
  }

  learn(operation: Operation, answer: Answer): void {
    if (!answer.ok) return;
    this.#learnRevision(answer.message);
    if (operation.kind === 'watch') this.#learnWatches(operation, answer.message);
    if (operation.kind === 'expiry') {
      for (const lease of operation.leases) this.leases.delete(lease);
    }
    if (operation.kind === 'call') this.#learnLeases(operation, answer.message);
    if (operation.kind !== 'call' && operation.kind !== 'bytes') return;
    if (operation.method === 'KV.Txn' && mayRevive(operation.request)) {
      this.#rebirths.add(this.revision);
    }
    if (operation.method === 'KV.Range') this.#learnPairs(answer.message['kvs']);
    if (operation.method === 'KV.Compact' && operation.kind === 'call') {
      this.compacted = Number(operation.request['revision'] ?? 0);
      const isPhysical = operation.request['physical'] === true;
      this.compactions.push(this.compacted);
      if (!isPhysical || !this.#wasPhysical) this.#uncertainHashes.add(this.compacted);
      this.#wasPhysical = isPhysical;
    }
  }

  /** When that lease expires, on the clock of this process. */
  expiryMs(lease: string): number {
    return this.leases.get(lease)?.expiresAtMs ?? 0;
  }

  /** The subject began anew: what it kept of compactions in memory is gone. */
  forgetHashes(): void {
    for (const revision of this.compactions) this.#uncertainHashes.add(revision);
    this.#wasPhysical = false;
  }

  /** Whether both servers must know the hash of that revision, or neither may. */
  isHashCertain(revision: number): boolean {
    if (this.#uncertainHashes.has(revision)) return false;
    const place = this.compactions.lastIndexOf(revision);
    if (place < 0) return true;
    const later = this.compactions.slice(place + 1);
    const kept = later.filter((newer) => !this.#uncertainHashes.has(newer));
    // Those that came after push it out, and whether some of them are kept is not certain.
    return later.length < hashesMax || kept.length >= hashesMax;
  }

  /** The first revision from `revision` on that etcd can be made to compact at. */
  compactable(revision: string): string {
    if (!this.#rebirths.has(Number(revision))) return revision;
    return this.compactable(String(Number(revision) + 1));
  }

  #learnRevision(message: WireObject): void {
    const header = message['header'];
    if (!isMessage(header)) return;
    this.revision = Math.max(this.revision, Number(header['revision'] ?? 0));
  }

  #learnWatches({ stream, action }: WatchStep, message: WireObject): void {
    const watches = this.watches.get(stream) ?? { ids: [], isHalfClosed: false };
    const created = (message['created'] ?? []) as readonly WireObject[];
    if (action.type === 'create') {
      const ids = created.filter((one) => one['canceled'] !== true);
      watches.ids = [...watches.ids, ...ids.map((one) => String(one['watch_id'] ?? '0'))];
    }
    if (action.type === 'cancel') {
      watches.ids = watches.ids.filter((id) => !action.ids.includes(id));
    }
    if (action.type === 'halfClose') watches.isHalfClosed = true;
    if (action.type === 'close' || action.type === 'refused') this.watches.delete(stream);
    else this.watches.set(stream, watches);
  }

  #learnLeases(operation: Call, message: WireObject): void {
    const lease = operation.grants ?? String(operation.request['ID'] ?? '0');
    const ttlSeconds = Number(message['TTL'] ?? 0);
    const isKeptAlive = operation.method === 'Lease.LeaseKeepAlive' && ttlSeconds > 0;
    if (operation.method === 'Lease.LeaseGrant' || isKeptAlive) {
      const expiresAtMs = performance.now() + ttlSeconds * 1_000;
      this.leases.set(lease, { ttlSeconds, expiresAtMs });
    }
    if (operation.method === 'Lease.LeaseRevoke') this.leases.delete(lease);
  }

  #learnPairs(kvs: WireValue): void {
    if (!Array.isArray(kvs)) return;
    for (const kv of (kvs as readonly WireObject[]).slice(0, 20)) {
      const key = Buffer.from(kv['key'] as Uint8Array).toString('latin1');
      this.seen.delete(key);
      this.seen.set(key, {
        version: Number(kv['version']),
        createRevision: Number(kv['create_revision']),
        modRevision: Number(kv['mod_revision']),
        value: (kv['value'] as Uint8Array | undefined) ?? new Uint8Array(0),
      });
    }
    for (const key of this.seen.keys()) {
      if (this.seen.size <= seenMax) break;
      this.seen.delete(key);
    }
  }
}
