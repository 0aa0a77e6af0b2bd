import type { Mutant } from '../types.ts';

/** Bugs of what watchers are told. */
export const watchMutants: readonly Mutant[] = [
  {
    name: 'one-event-in-ten-thousand-lost',
    breaks: 'I26: a watch is told of every event (etcd: Reliable)',
    changes: [
      {
        file: 'server/watch-hub.ts',
        from: '      if (!table.wants(watcher, event)) continue;',
        to: '      if (!table.wants(watcher, event)) continue;\n      if (this.parts.random.below(10_000) === 0) continue;',
      },
    ],
  },
  {
    name: 'progress-ahead-of-events',
    breaks: 'I28: progress is told when all events up to it were (etcd #15220: Bookmarkable)',
    changes: [
      {
        file: 'server/watch-stream.ts',
        from: '    if (this.watchers.size === 0 || this.queue.syncedWatchers < this.watchers.size) return;',
        to: '    if (this.watchers.size === 0) return;',
      },
    ],
  },
  {
    name: 'progress-ahead-of-what-is-gathered',
    breaks: 'I28: progress is told when all events up to it were, also those of the same turn',
    changes: [
      {
        file: 'server/watch-stream.ts',
        from: '  requestProgress(): void {\n    this.parts.settle();',
        to: '  requestProgress(): void {',
      },
    ],
  },
  {
    name: 'progress-of-a-watch-that-is-behind',
    breaks: 'I28: progress of one watch is told when it is up to date',
    changes: [
      {
        file: 'server/watch-stream.ts',
        from: `    return table.stateOf(watcher) === 'synced' && table.startRevisionOf(watcher) <= revision;`,
        to: `    return table.stateOf(watcher) !== 'over' && table.startRevisionOf(watcher) <= revision;`,
      },
    ],
  },
  {
    name: 'previous-pair-of-the-wrong-revision',
    breaks: 'I30: prev_kv is what the key held at the revision before (etcd v3rpc/watch.go)',
    changes: [
      {
        file: 'mvcc/watch-event.ts',
        from: 'const id = index.newestUpTo(index.versions.keyOf(own), modRevision - 1);',
        to: 'const id = index.newestUpTo(\n      index.versions.keyOf(own),\n      Math.max(modRevision, store.revision) - 1,\n    );',
      },
    ],
  },
  {
    name: 'watch-passes-over-a-compaction',
    breaks: 'I31: what was compacted is told as canceled, never passed over',
    changes: [
      {
        file: 'server/watch-catch-up.ts',
        from: '        if (table.nextRevisionOf(watcher) < compactRevision) lost.push(watcher);',
        to: '        const start = table.startRevisionOf(watcher);\n        if (start > 0 && start < compactRevision) lost.push(watcher);',
      },
    ],
  },
  {
    name: 'watch-skips-what-a-snapshot-brought',
    breaks: 'I32: a watch goes on over an installed snapshot (etcd #20221)',
    changes: [
      {
        file: 'server/watch-hub.ts',
        from: '      if (next <= store.revision) this.sets.fallBehind(watcher, next);',
        to: '      if (next < store.revision) this.sets.fallBehind(watcher, next + 1);',
      },
    ],
  },
  {
    name: 'catch-up-splits-a-revision',
    breaks: 'I25: what one revision has written is told at once',
    changes: [
      {
        file: 'server/watch-catch-up.ts',
        from: '      if (isFull && event.modRevision !== last) {',
        to: '      if (isFull && (event.modRevision !== last || last > 0)) {',
      },
    ],
  },
  {
    name: 'watch-begun-within-an-entry',
    breaks: 'I26: a watch that begins while an entry is half applied is told all of that entry',
    changes: [
      {
        file: 'server/watch-hub.ts',
        from: `if (!this.isHalfApplied || table.stateOf(watcher) !== 'synced') return;`,
        to: `if (!this.isHalfApplied || table.stateOf(watcher) === 'synced') return;`,
      },
    ],
  },
  {
    name: 'catch-up-ends-one-early',
    breaks: 'I26: a watch is up to date when it was told the newest revision, too',
    changes: [
      {
        file: 'server/watch-catch-up.ts',
        from: 'next <= this.store.revision) return;\n    table.set(',
        to: 'next < this.store.revision) return;\n    table.set(',
      },
    ],
  },
];
