import { hasInside, isMessage } from './messages.ts';
import type { Answer } from '../members/client.ts';
import type { WireObject, WireValue } from '../members/protocol.ts';
import type { Operation } from './operation.ts';

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
  readonly uncertainHashes = new Set<number>();
  /**
   * Revisions of transactions that both deleted and put. If that was one key, etcd 3.7.3 loses it in a compaction
   * at that very revision (mvcc/key_index.go takes the tombstone for what is to be kept), and dies when it is
   * read. So nothing is compacted there.
   */
  readonly #rebirths = new Set<number>();
  #wasPhysical = true;
  readonly seen = new Map<string, SeenPair>();

  learn(operation: Operation, answer: Answer): void {
    if (!answer.ok) return;
    this.#learnRevision(answer.message);
    if (operation.kind === 'path') return;
    if (operation.method === 'KV.Txn' && mayRevive(operation.request)) {
      this.#rebirths.add(this.revision);
    }
    if (operation.method === 'KV.Range') this.#learnPairs(answer.message['kvs']);
    if (operation.method === 'KV.Compact' && operation.kind === 'call') {
      this.compacted = Number(operation.request['revision'] ?? 0);
      const isPhysical = operation.request['physical'] === true;
      this.compactions.push(this.compacted);
      if (!isPhysical || !this.#wasPhysical) this.uncertainHashes.add(this.compacted);
      this.#wasPhysical = isPhysical;
    }
  }

  /** The subject began anew: what it kept of compactions in memory is gone. */
  forgetHashes(): void {
    for (const revision of this.compactions) this.uncertainHashes.add(revision);
    this.#wasPhysical = false;
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
