import { Lie } from './life.ts';

/** What a member told its clients, and what must therefore be on its disk. */

export interface KeyState {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: string;
}

export type Change =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly lease: string }
  | { readonly kind: 'delete'; readonly key: string };

interface Applied {
  readonly revision: number;
  readonly changes: readonly Change[];
}

/** Something that was acknowledged when the trace had the length `at`. */
interface Acknowledged<T> {
  readonly at: number;
  readonly what: T;
}

export interface KnownHash {
  readonly revision: number;
  readonly compactRevision: number;
  readonly hash: number;
}

export class ClientHistory {
  private readonly applied: Applied[] = [];
  private readonly revisions: Acknowledged<number>[] = [];
  private readonly compactions: Acknowledged<number>[] = [];
  private readonly granted: Acknowledged<string>[] = [];
  private readonly revoked: Acknowledged<string>[] = [];
  private readonly revoking = new Set<string>();
  readonly hashes: KnownHash[] = [];

  changed(at: number, revision: number, changes: readonly Change[]): void {
    this.applied.push({ revision, changes });
    this.revisions.push({ at, what: revision });
  }

  compacted(at: number, revision: number): void {
    this.compactions.push({ at, what: revision });
  }

  leaseGranted(at: number, id: string): void {
    this.granted.push({ at, what: id });
  }

  leaseRevoking(id: string): void {
    this.revoking.add(id);
  }

  leaseRevoked(at: number, id: string): void {
    this.revoked.push({ at, what: id });
  }

  get changesCount(): number {
    return this.applied.length;
  }

  revisionAt(at: number): number {
    return greatest(this.revisions, at, 1);
  }

  compactionAt(at: number): number {
    return greatest(this.compactions, at, -1);
  }

  get lastRevision(): number {
    return Math.max(1, ...this.applied.map(({ revision }) => revision));
  }

  /** The keys as they were at a revision. */
  stateAt(revision: number): Map<string, KeyState> {
    const state = new Map<string, KeyState>();
    for (const applied of this.applied.toSorted((a, b) => a.revision - b.revision)) {
      if (applied.revision > revision) break;
      for (const change of applied.changes) {
        if (change.kind === 'delete') {
          state.delete(change.key);
          continue;
        }
        const { key, value, lease } = change;
        const before = state.get(key);
        state.set(key, {
          value,
          lease,
          createRevision: before?.createRevision ?? applied.revision,
          modRevision: applied.revision,
          version: (before?.version ?? 0) + 1,
        });
      }
    }
    return state;
  }

  checkLeases(at: number, found: ReadonlySet<string>): void {
    for (const { what: id, at: grantedAt } of this.granted) {
      if (grantedAt <= at && !this.revoking.has(id) && !found.has(id)) {
        throw new Lie(`lease ${id} was granted, and is gone`);
      }
    }
    for (const { what: id, at: revokedAt } of this.revoked) {
      if (revokedAt <= at && found.has(id)) throw new Lie(`lease ${id} was revoked, and is there`);
    }
  }
}

function greatest(list: readonly Acknowledged<number>[], at: number, least: number): number {
  return list.reduce((most, one) => (one.at <= at ? Math.max(most, one.what) : most), least);
}
