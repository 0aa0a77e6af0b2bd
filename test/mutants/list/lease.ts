import type { Mutant } from '../types.ts';

/** Bugs of leases. */
export const leaseMutants: readonly Mutant[] = [
  {
    name: 'lease-revoked-by-a-deposed-leader',
    breaks: 'I35: an expiry counts in the term in which it was decided',
    changes: [
      {
        file: 'apply/lease.ts',
        from: '  if (term === position.term) {',
        to: '  if (term <= position.term) {',
      },
    ],
  },
  {
    name: 'deposed-leader-renews',
    breaks: 'I33: a lease lives on for its TTL after a renewal that was acknowledged',
    changes: [
      {
        file: 'server/lease-service.ts',
        from: '    else this.confirmed(done, (term) => term.renew(id, done));',
        to: '    else if (this.current === undefined) done(failed(errors.notLeader));\n    else this.current.renew(id, done);',
      },
    ],
  },
  {
    name: 'contact-counts-from-the-answer',
    breaks: 'I33: a quorum that has confirmed a leader did so at some time after it was asked',
    changes: [
      {
        file: 'server/leader-contact.ts',
        from: '        this.askedMs = askedMs;\n        this.askedUnixMs = askedUnixMs;',
        to: '        this.askedMs = clock.nowMs();\n        this.askedUnixMs = Math.max(askedUnixMs, unixTimeMs());',
      },
    ],
  },
  {
    name: 'contact-counts-ten-times-too-long',
    breaks: 'I33: a leader renews by itself for less than what its successor adds to each lease',
    changes: [
      {
        file: 'server/leader-contact.ts',
        from: 'Math.min(contactMsMax, parts.electionTimeoutMs * contactShare)',
        to: '10 * Math.min(contactMsMax, parts.electionTimeoutMs * contactShare)',
      },
    ],
  },
  {
    name: 'renews-with-entries-to-apply',
    breaks:
      'I33: a leader that answers without a round has applied what is committed: it may end the lease',
    changes: [
      {
        file: 'server/loops.ts',
        from: 'this.applyLoop.applied.index === this.raft.committed && !this.raft.hasOfferedLeadership',
        to: '!this.raft.hasOfferedLeadership',
      },
    ],
  },
  {
    name: 'renews-after-it-has-offered-its-place',
    breaks: 'I33: whoever was told to campaign may lead at once (dissertation 4.2.3)',
    changes: [
      {
        file: 'server/loops.ts',
        from: 'this.applyLoop.applied.index === this.raft.committed && !this.raft.hasOfferedLeadership',
        to: 'this.applyLoop.applied.index === this.raft.committed',
      },
    ],
  },
  {
    name: 'renewal-takes-the-extension',
    breaks:
      'I33: what a new leader adds to a lease stands, for the last one may have renewed it later',
    changes: [
      {
        file: 'lease/lessor.ts',
        from: 'Math.max(nowMs, this.start.nowMs + this.start.extendMs)',
        to: 'nowMs',
      },
    ],
  },
  {
    name: 'deleted-key-stays-with-its-lease',
    breaks: 'I34: a key that was deleted belongs to no lease',
    changes: [
      {
        file: 'apply/delete-range.ts',
        from: '  for (const { key } of ended) view.leases.detach(key);\n',
        to: '',
      },
    ],
  },
  {
    name: 'put-without-a-lease-keeps-it',
    breaks: 'I34: a put moves the key to the lease that it names, or to none',
    changes: [
      {
        file: 'apply/put.ts',
        from: '  leases.attach(request.key, lease);',
        to: '  if (lease !== 0n) leases.attach(request.key, lease);',
      },
    ],
  },
  {
    name: 'new-leader-ends-leases-early',
    breaks:
      'I33: a new leader gives every lease its whole TTL and an election timeout (etcd #13294)',
    changes: [
      {
        file: 'lease/lessor.ts',
        from: '      const dueMs = nowMs + extendMs + seconds * 1000;',
        to: '      const dueMs = nowMs + Math.min(extendMs, seconds * 1000);',
      },
    ],
  },
  {
    name: 'checkpointed-lease-never-ends',
    breaks: 'a lease ends, whatever was written down of it',
    changes: [
      {
        file: 'lease/lessor.ts',
        from: '      if (this.expiries.get(id) !== undefined) continue;\n',
        to: '      if (this.expiries.get(id) !== undefined || remainingTtl > 0) continue;\n',
      },
    ],
  },
];
