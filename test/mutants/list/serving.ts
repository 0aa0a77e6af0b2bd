import type { Mutant } from '../types.ts';

/** Bugs of what a member answers: reads, and proposals that it keeps. */
export const servingMutants: readonly Mutant[] = [
  {
    name: 'serializable-read-goes-back',
    breaks: 'I15: what one member answers never goes back, served from a cache or not',
    changes: [
      {
        file: 'server/ranges.ts',
        from: 'interface EndedRange {',
        to: 'const lately = new WeakMap<MvccStore, Map<string, LatelyRead>>();\n\ninterface LatelyRead {\n  readonly atMs: number;\n  readonly outcome: Outcome<RangeResponse>;\n}\n\ninterface EndedRange {',
      },
      {
        file: 'server/ranges.ts',
        from: '  return parts.isInForce() ? readOneRow(parts.store, request) : failed(errors.timeout);',
        to:
          '  if (!parts.isInForce()) return failed(errors.timeout);\n' +
          '  const { store, scheduler } = parts;\n' +
          '  if (!request.serializable || request.revision !== 0) return readOneRow(store, request);\n' +
          '  const known = lately.get(store) ?? new Map<string, LatelyRead>();\n' +
          '  lately.set(store, known);\n' +
          '  const name = request.key.join();\n' +
          '  const last = known.get(name);\n' +
          '  if (last !== undefined && scheduler.nowMs() < last.atMs + 50) return last.outcome;\n' +
          '  const outcome = readOneRow(store, request);\n' +
          '  known.set(name, { atMs: scheduler.nowMs(), outcome });\n' +
          '  return outcome;',
      },
    ],
  },
  {
    name: 'late-snapshot-taken',
    breaks: 'I6, I15: a snapshot behind the commit index is refused',
    changes: [
      {
        file: 'raft/handle-snapshot.ts',
        from: '  if (snapshot.index <= log.committed) return false;\n',
        to: '  if (snapshot.index === log.committed) return false;\n',
      },
    ],
  },
  {
    name: 'read-before-its-index-is-applied',
    breaks: 'I14: a read waits until its index is applied (dissertation 6.4, step 4)',
    changes: [
      {
        file: 'server/read-index.ts',
        from: 'while (first !== undefined && first.index <= index) {',
        to: 'while (first !== undefined && first.index <= index + 1) {',
      },
    ],
  },
  {
    name: 'read-joins-the-round-under-way',
    breaks: 'I14: a read is confirmed by a round that began after it (dissertation 6.4)',
    changes: [
      {
        file: 'server/read-index.ts',
        from: '    this.gathering.push({ done, key });\n',
        to: '    if (this.round !== undefined) this.round.reads.push({ done, key });\n    else this.gathering.push({ done, key });\n',
      },
    ],
  },
  {
    name: 'proposal-offered-again',
    breaks: 'I38: a proposal is handed to Raft once',
    changes: [
      {
        file: 'server/proposals.ts',
        from: '    if (isLed) submit(data);\n    else this.waiting.push({ sequence, data });',
        to: '    if (isLed) submit(data);\n    this.waiting.push({ sequence, data });',
      },
    ],
  },
  {
    name: 'snapshot-forgets-whose-keys',
    breaks: 'I12, I34: an installed snapshot knows which keys belong to which lease',
    changes: [
      {
        file: 'server/applied-state.ts',
        from: `Leases.load(store.spaces.get('lease') ?? [], this.attached);`,
        to: `Leases.load(\n      store.spaces.get('lease') ?? [],\n      this.isInSlices ? new AttachedKeys() : this.attached,\n    );`,
      },
    ],
  },
  {
    name: 'put-answers-the-revision-before',
    breaks: "I18: the header of a write has the revision that it made (etcd's ResponseHeader)",
    changes: [
      {
        file: 'apply/put.ts',
        from: '    header: revisionHeader(store.revision + 1),',
        to: '    header: revisionHeader(store.revision),',
      },
    ],
  },
  {
    name: 'old-round-confirms-the-next',
    breaks: 'I14: an answer to what an earlier round asked confirms no later one (etcd #20418)',
    changes: [
      {
        file: 'server/read-index.ts',
        from: 'if (round === undefined || !round.contexts.has(context)) continue;',
        to: 'if (round === undefined || context > this.lastContext) continue;',
      },
    ],
  },
  {
    name: 'proposals-of-every-start-alike',
    breaks: 'I38: an answer to what an earlier process proposed is none to what this one did',
    changes: [
      {
        file: 'server/proposals.ts',
        from: 'new CommandOrigin(parts.memberId, parts.nonce)',
        to: 'new CommandOrigin(parts.memberId, Math.min(1, parts.nonce))',
      },
    ],
  },
  {
    name: 'acknowledged-with-the-batch-before',
    breaks: 'I8: group commit acknowledges a batch when it is on disk, not when the one before is',
    changes: [
      {
        file: 'server/raft-loop.ts',
        from: '      this.appendQueue.push(ready);\n',
        to:
          '      const isEarly = this.isAppending && ready.hardState === undefined;\n' +
          '      if (isEarly) this.send(ready.messagesAfterAppend);\n' +
          '      this.appendQueue.push(isEarly ? { ...ready, messagesAfterAppend: [] } : ready);\n',
      },
    ],
  },
  {
    name: 'half-of-a-long-entry-committed',
    breaks: 'I21: an entry that is applied in steps reaches the store whole',
    changes: [
      {
        file: 'server/store-loop.ts',
        from: '!gathering.isDirty || this.isWithinEntry',
        to: '!gathering.isDirty || (this.isWithinEntry && !this.isDue)',
      },
    ],
  },
  {
    name: 'reads-within-an-entry',
    breaks: 'I40: an entry that is applied in steps is seen by nobody before it is whole',
    changes: [
      {
        file: 'server/loops.ts',
        from: 'if (isHalf) this.readSlicer.hold();\n        else',
        to: 'if (!isHalf)',
      },
    ],
  },
  {
    name: 'refused-put-changes-the-store',
    breaks: 'I39: what was refused has changed nothing',
    changes: [
      {
        file: 'apply/machine.ts',
        from: '    if (byAlarm !== undefined) return refused(byAlarm);\n',
        to: '    if (byAlarm !== undefined) {\n      if (kind !== CommandKind.put) return refused(byAlarm);\n      return { ...this.put(mustDecode(PutRequest, request)), outcome: failed(byAlarm) };\n    }\n',
      },
    ],
  },
  {
    name: 'alarm-not-kept',
    breaks: 'an alarm is replicated, and there after a restart (etcd v3alarm)',
    changes: [
      {
        file: 'apply/alarm.ts',
        from: 'changes.push(alarms.raise(asked));',
        to: 'alarms.raise(asked);',
      },
    ],
  },
];
