/** What HashKV answers for one revision. */
export interface KvHash {
  readonly hash: number;
  /** The revision it covers, `hash_revision` on the wire. */
  readonly revision: number;
  /** The compaction that it was computed after. */
  readonly compactRevision: number;
}

/** As many as etcd remembers (server/storage/mvcc/hash.go). */
export const compactionHashesMax = 10;

/**
 * The hashes of the last compactions. HashKV at such a revision answers them rather than a hash of what
 * the compaction left, so that members which are asked before and after agree. They are lost with the
 * process; a compaction that was cut off and taken up again has none.
 */
export class CompactionHashes {
  private hashes: KvHash[] = [];

  add(hash: KvHash): void {
    this.hashes.push(hash);
    this.hashes.sort((a, b) => a.revision - b.revision);
    this.hashes = this.hashes.slice(-compactionHashesMax);
  }

  /** The newest first. */
  list(): readonly KvHash[] {
    return this.hashes.toReversed();
  }

  find(revision: number): KvHash | undefined {
    return this.hashes.find((hash) => hash.revision === revision);
  }
}
