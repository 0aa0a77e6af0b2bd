/** A bug that is planted into a copy of src, to see which harness finds it. */
export interface Mutant {
  /** `vote-before-fsync` */
  readonly name: string;
  /** The rule it breaks: an invariant, an issue of etcd, a section of the dissertation. */
  readonly breaks: string;
  /** Exact replacements; most need one. */
  readonly changes: readonly Replacement[];
}

/** Each `from` occurs exactly once in the file. */
export interface Replacement {
  /** Below src: `raft/commit.ts`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}
