import type { Cluster } from '../members/harness.ts';
import { mustSucceed } from '../members/client.ts';
import { hashesOf } from '../members/hashes.ts';
import { runLineSuite } from './line-suite.ts';
import type { Report } from './report.ts';

/**
 * Clients of four languages at the same cluster at the same time, round after round: each sees its own keys, leases and
 * watches as if it were alone. Afterwards the members hold the same.
 */

/** What each suite does that needs the cluster for itself: names of its checks. */
const leftOut: Readonly<Record<string, readonly string[]>> = {
  clientv3: [
    // The revision moves on with what the others write.
    'delete of nothing keeps the revision',
    'GetStream answers as Get does',
    'Lease: Grant, TimeToLive with keys, Revoke in one revision',
    'Watch WithRev of the future: nothing before it',
    // It takes away what the others read of the past.
    'compact',
    'ErrCompacted of a read below the compact revision',
    'ErrCompacted of a second compaction',
    'a read at the compact revision',
    'ErrCompacted of a txn that reads below the compact revision',
    'ErrCompacted with CompactRevision of a watch below the compact revision',
    // It refuses what the others write, ends what they have under way, or shows them another cluster.
    'Alarm: NOSPACE refuses writes until it is disarmed',
    'Alarm: CORRUPT refuses writes until it is disarmed',
    'Member: a learner that never starts is added, updated, not promoted and removed',
    'Member: errors',
    'ErrNotLeader of MoveLeader on a follower',
    'MoveLeader',
    'the leader is killed under load and the client carries on',
    'the killed member comes back and every acknowledged write is there',
    'Watch: the leader is killed, and no event is lost or told twice',
    'Lease: one that is kept alive outlives the leader',
    'Watch: the killed member comes back',
    'WithRequireLeader: a watch is canceled when the member loses its leader',
    'WithRequireLeader: requests and new watches fail at once',
    'Without a leader: serializable reads are answered, linearizable ones are not',
    'A watch that requires no leader goes on when there is one again',
  ],
  python: [
    'compact',
    'watch of a compacted revision',
    'members: one is added, updated and removed',
    'alarm: created, listed and disarmed',
  ],
  java: [
    'kv: compact',
    'watch: ended below the compact revision',
    'cluster: a learner is added, updated and removed',
    'maintenance: the leader moves',
  ],
  rust: [
    'kv: compact',
    'watch: canceled below the compact revision',
    'cluster: a learner is added, updated, refused a promotion and removed',
    'maintenance: an alarm is raised, refuses writes and is disarmed',
    'maintenance: the leader moves',
  ],
};

export interface RunnableSuite {
  readonly name: string;
  readonly command: readonly string[];
}

/** Begins no further round after `seconds`; the first one runs whatever it takes. */
export async function runTogether(
  suites: readonly RunnableSuite[],
  subject: Cluster,
  report: Report,
  seconds: number,
): Promise<void> {
  const endMs = performance.now() + seconds * 1000;
  for (let round = 1; round === 1 || performance.now() < endMs; round++) {
    const [before, beganMs] = [report.passed, performance.now()];
    await Promise.all(
      suites.map(({ name, command }) => {
        const env = { INTEROP_LEAVE_OUT: (leftOut[name] ?? []).join('\n') };
        return runLineSuite(command, name, report, { env });
      }),
    );
    const hashes = (await hashesOf(subject)).map(({ hash }) => String(hash));
    const isOne = new Set(hashes).size === 1;
    report.note(`round ${round}: HashKV is equal`, isOne ? undefined : hashes.join(', '));
    const tookSeconds = ((performance.now() - beganMs) / 1000).toFixed(1);
    report.say(`round ${round}: ${report.passed - before} checks held in ${tookSeconds} s`);
    await forgetAll(subject);
  }
}

/** The next round begins as the first: with keys that were never written. */
async function forgetAll(subject: Cluster): Promise<void> {
  const client = subject.client(await subject.leader());
  const everything = { key: Buffer.from([0]), range_end: Buffer.from([0]) };
  mustSucceed(await client.call('KV.DeleteRange', everything));
}
