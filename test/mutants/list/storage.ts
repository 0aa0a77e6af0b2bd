import type { Mutant } from '../types.ts';

/** Bugs of what is on disk. */
export const storageMutants: readonly Mutant[] = [
  {
    name: 'log-not-synced',
    breaks: 'I41: what was acknowledged outlives a power loss',
    changes: [
      {
        file: 'storage/level-database.ts',
        from: 'const synced = { sync: true } as const;',
        to: 'const synced = { sync: false } as const;',
      },
    ],
  },
  {
    name: 'new-log-file-without-its-folder',
    breaks: 'I41: the folder of a new log file is synced (LevelDB 1.20 does not)',
    changes: [
      {
        file: 'storage/level-database.ts',
        from: '    this.syncFolder(this.folder, done);',
        to: '    if (newest === undefined) this.syncFolder(this.folder, done);\n    else done(undefined);',
      },
    ],
  },
  {
    name: 'rename-without-its-folder',
    breaks: 'I41: a renamed file is durable when its folder was synced',
    changes: [
      {
        file: 'storage/fs.ts',
        from: '      (next) => fs.rename(temporary, path, next),\n      (next) => fs.syncFolder(folder, next),\n',
        to: '      (next) => fs.rename(temporary, path, next),\n      (next) => (folder === path ? fs.syncFolder(folder, next) : next(undefined)),\n',
      },
    ],
  },
  {
    name: 'small-file-not-synced',
    breaks: 'I41: the content of a replaced file is durable before its name',
    changes: [
      {
        file: 'storage/fs.ts',
        from: '      (next) => handle.sync(next),\n',
        to: '',
      },
    ],
  },
  {
    name: 'sync-error-ignored',
    breaks: 'I45: a failed write of the log is final (fsyncgate)',
    changes: [
      {
        file: 'storage/log-store.ts',
        from: `        if (error !== undefined) return this.context.writeFailed('a write to the log', error);`,
        to: `        if (error !== undefined && this.space.isLow)\n          return this.context.writeFailed('a write to the log', error);`,
      },
    ],
  },
  {
    name: 'damaged-entry-dropped',
    breaks: 'I8, I41: what is damaged is refused, never repaired by dropping it (etcd #13766)',
    changes: [
      {
        file: 'storage/log-open.ts',
        from: '        throw damaged(`the entries from ${first} on do not match their checksum`);',
        to: '        return;',
      },
      {
        file: 'storage/log-open.ts',
        from: '    throw damaged(\n      `entries ${last.index + 1} to ${hardState.commit} are committed and missing at its end`,\n    );',
        to: '    return { ...hardState, commit: last.index };',
      },
    ],
  },
  {
    name: 'lost-last-entry-overlooked',
    breaks: 'I8: a log that has lost its last entry does not vote',
    changes: [
      {
        file: 'storage/tail-witness.ts',
        from: '  if (log.lastIndex < lastIndex) {',
        to: '  if (log.lastIndex < lastIndex - 1) {',
      },
    ],
  },
  {
    name: 'applied-index-in-another-batch',
    breaks: 'I21: rows and applied index are one batch (etcd #13514)',
    changes: [
      {
        file: 'server/store-loop.ts',
        from: '    this.store.commit({ state, put, deleted, changes }, () => {',
        to:
          '    const { appliedIndex, appliedTerm } = put.length > 0 ? this.store.state : state;\n' +
          '    const behind = { ...state, appliedIndex, appliedTerm };\n' +
          '    this.store.commit({ state: behind, put, deleted, changes }, () => {',
      },
    ],
  },
  {
    name: 'store-ahead-of-the-own-log',
    breaks: 'I21: the store holds nothing that the own log has not synced',
    changes: [
      {
        file: 'server/store-loop.ts',
        from: '    if (state.appliedIndex > parts.logSyncedIndex()) return;\n',
        to: '',
      },
    ],
  },
  {
    name: 'revision-used-again-after-a-restart',
    breaks: 'I17: a revision is given once, also if it only deleted keys',
    changes: [
      {
        file: 'mvcc/restore.ts',
        from: '  private lastMain = 0;\n',
        to: '  private lastMain = 0;\n  private lastPut = 0;\n',
      },
      {
        file: 'mvcc/restore.ts',
        from: '    assert(modRevision === main, `row ${main}.${sub} says it is of revision ${modRevision}`);\n',
        to: '    this.lastPut = modRevision;\n',
      },
      {
        file: 'mvcc/restore.ts',
        from: 'Math.max(firstRevision, revision, this.lastMain, this.compactRevision)',
        to: 'Math.max(firstRevision, Math.min(revision, this.lastPut), this.compactRevision)',
      },
    ],
  },
  {
    name: 'damaged-checkpoint-believed',
    breaks: 'a damaged copy of the index is never believed: it costs time only',
    changes: [
      {
        file: 'storage/checkpoint-reader.ts',
        from: '    if (content === undefined || crc32c(content) !== header.checksum) return undefined;',
        to:
          '    if (content === undefined) return undefined;\n' +
          '    if (header.length === 0 && crc32c(content) !== header.checksum) return undefined;',
      },
    ],
  },
  {
    name: 'failed-log-write-believed',
    breaks: 'I41: a write or sync that failed is acknowledged by nobody, and ends the member',
    changes: [
      {
        file: 'storage/log-store.ts',
        from: "        if (error !== undefined) return this.context.writeFailed('a write to the log', error);",
        to: "        if (error !== undefined && this.last < 0) return this.context.writeFailed('a write to the log', error);",
      },
    ],
  },
  {
    name: 'checkpoint-ahead-of-the-store',
    breaks: 'a copy of the index that knows more than the store does is ignored',
    changes: [
      {
        file: 'storage/checkpoint-reader.ts',
        from: "        if (through.appliedIndex > state.appliedIndex) return 'it is newer than the store';",
        to: "        if (through.appliedIndex > state.appliedIndex + 9) return 'it is newer than the store';",
      },
    ],
  },
  {
    name: 'missing-snapshot-chunk-overlooked',
    breaks:
      'an image that lacks a chunk, or has two in the wrong order, is refused (scylla #13864)',
    changes: [
      {
        file: 'storage/image-writer.ts',
        from: '    else if (frame.number !== this.nextFrame) {',
        to: '    else if (frame.number > this.nextFrame + 1000) {',
      },
    ],
  },
  {
    name: 'witness-not-lowered-for-the-last-entry',
    breaks: 'an honest disk is never accused of a loss: the witness goes back before the log does',
    changes: [
      {
        file: 'storage/log-store.ts',
        from: 'this.witness.state.lastIndex >= first.index',
        to: 'this.witness.state.lastIndex > first.index',
      },
    ],
  },
  {
    name: 'small-batches-fill-the-disk',
    breaks: 'I45: LevelDB never meets the end of the disk, however little is written',
    changes: [
      {
        file: 'storage/space-guard.ts',
        from: `      this.context.fail(new StorageError('NO_SPACE', message));`,
        to: `      if (bytes < freeBytesCritical) return go();\n      this.context.fail(new StorageError('NO_SPACE', message));`,
      },
    ],
  },
];
