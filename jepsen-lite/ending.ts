import type { Anomaly, NemesisEvent, Recovery, Verdict } from './types.ts';

/** What is seen of the members beside what clients were told, from the start of a test to its end. */
export interface Ending extends Recovery {
  /** Members that ended when nobody had ended them, or with another code than 0 when they were told to stop. */
  readonly exits: readonly Exit[];
  /** Lines of the members' logs that tell of a broken invariant, a panic or an uncaught error. */
  readonly alarms: readonly LogLine[];
  readonly hashes: readonly MemberHash[];
  /** How long the one took to stop that took longest. */
  readonly stoppedMs?: number;
}

export interface Exit {
  readonly member: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly atUs: number;
}

export interface LogLine {
  readonly member: string;
  readonly line: string;
}

export interface MemberHash {
  readonly member: string;
  readonly revision: string;
  readonly compactRevision: string;
  readonly hash: string;
}

/** Service is back this long after the world has healed at the latest. */
export const recoveryMsMax = 5_000;
/** A member that is told to stop has ended this long after at the latest. */
const stopMsMax = 15_000;

/**
 * What the harness judges by itself, beside the workload's checkers. Limits of time are `patience` times as long;
 * `acknowledgedMax` is the highest revision that any client was told.
 */
export function judgeEnding(
  ending: Ending,
  events: readonly NemesisEvent[],
  patience: number,
  acknowledgedMax = 0,
): readonly Verdict[] {
  return [
    judgeMembers(ending, patience),
    judgeRecovery(ending, events, patience),
    judgeHashes(ending, acknowledgedMax),
  ];
}

function judgeMembers({ exits, alarms, stoppedMs = 0 }: Ending, patience: number): Verdict {
  const ended = exits.map(({ member, code, signal, atUs }): Anomaly => ({
    name: 'unexpected exit',
    what: `${member} ended by itself ${describeEnd(code, signal)} ${seconds(atUs)} after the start.`,
    operations: [],
    atUs,
    members: [member],
  }));
  const told = alarms.map(({ member, line }): Anomaly => ({
    name: 'failure in the log',
    what: `${member} logged: ${line}`,
    operations: [],
    members: [member],
  }));
  const limitMs = stopMsMax * patience;
  const slow: readonly Anomaly[] =
    stoppedMs > limitMs
      ? [
          {
            name: 'slow stop',
            what: `It took ${stoppedMs} ms until every member had stopped; ${limitMs} ms are allowed.`,
            operations: [],
            isSlowness: true,
          },
        ]
      : [];
  const counts = {
    exits: exits.length,
    'lines of alarm': alarms.length,
    'stopped after ms': stoppedMs,
  };
  return verdict('members stay up', [...ended, ...told, ...slow], counts);
}

/** After each fault that was over before the next one began, and at the end. */
function judgeRecovery(ending: Ending, events: readonly NemesisEvent[], patience: number): Verdict {
  const watched = events.flatMap(({ what, service }) =>
    service === undefined ? [] : [{ after: `after "${what}"`, service }],
  );
  const all = [...watched, { after: 'after the world had healed', service: ending }];
  const anomalies = all.flatMap(({ after, service }) => wrongRecovery(after, service, patience));
  const longest = Math.max(0, ...watched.map(({ service }) => service.recoveredMs ?? 0));
  return verdict('service comes back', anomalies, {
    ...(ending.recoveredMs === undefined ? {} : { 'back after ms': ending.recoveredMs }),
    'of these waiting for a core': ending.waitedForCoreMs,
    'of these waiting for a busy disk': ending.waitedForDiskMs ?? 0,
    'faults after which it was watched': watched.length,
    'back after any of them after ms': longest,
  });
}

function wrongRecovery(after: string, service: Recovery, patience: number): readonly Anomaly[] {
  const { absent, recoveredMs, waitedForCoreMs, waitedForDiskMs = 0 } = service;
  const missing = absent.map(({ member, reason }): Anomaly => ({
    name: 'no service',
    what: `${member} did not serve again ${after}: ${reason}`,
    operations: [],
  }));
  const limitMs = recoveryMsMax * patience;
  const ownMs = (recoveredMs ?? 0) - waitedForCoreMs - waitedForDiskMs;
  if (ownMs <= limitMs) return missing;
  const late: Anomaly = {
    name: 'late service',
    what:
      `It took ${recoveredMs} ms ${after} until every member served reads and writes, ` +
      `${waitedForCoreMs} ms of it waiting for a core and ${waitedForDiskMs} ms for a busy disk; ` +
      `${limitMs} ms are allowed beside these.`,
    operations: [],
    isSlowness: true,
  };
  return [...missing, late];
}

/** Hashes of the same changes are held against each other; where there are none, nobody knows. */
function judgeHashes({ hashes }: Ending, acknowledgedMax: number): Verdict {
  const stands = new Set(hashes.map(describeStand));
  const kinds = new Set(hashes.map(describeHash));
  const revisions = new Set(hashes.map(({ revision }) => revision));
  // Whoever hashes while a compaction passes leaves out other changes than the others did.
  const isComparable = stands.size === 1;
  const isDifferent = kinds.size > stands.size || revisions.size > 1;
  const each = hashes.map((hash) => `${hash.member} ${describeHash(hash)}`).join('; ');
  const anomalies: readonly Anomaly[] = isDifferent
    ? [
        {
          name: 'members differ',
          what: `The members do not hold the same data (HashKV): ${each}`,
          operations: [],
        },
      ]
    : [];
  const revision = Math.max(0, ...hashes.map((each) => Number(each.revision)));
  const judged = verdict('members agree', anomalies, {
    members: hashes.length,
    'at revision': revision,
    'highest acknowledged revision': acknowledgedMax,
    'compacted at different revisions, so that nobody knows': isComparable ? 0 : 1,
  });
  const told =
    hashes.length > 0 && revision < acknowledgedMax
      ? `They agree about less than clients were told: they are at revision ${revision}, and revision ${acknowledgedMax} was acknowledged.`
      : undefined;
  const noted = told === undefined ? judged : { ...judged, note: told };
  return isDifferent || isComparable ? noted : { ...noted, result: 'unknown' };
}

function describeStand({ revision, compactRevision }: MemberHash): string {
  return `${revision} ${compactRevision}`;
}

function describeHash({ revision, compactRevision, hash }: MemberHash): string {
  return `hash ${hash} at revision ${revision}, compacted at ${compactRevision}`;
}

function verdict(
  checker: string,
  anomalies: readonly Anomaly[],
  counts: Readonly<Record<string, number>>,
): Verdict {
  return { checker, result: anomalies.length === 0 ? 'valid' : 'invalid', anomalies, counts };
}

function describeEnd(code: number | null, signal: string | null): string {
  return signal === null ? `with exit code ${code ?? 'unknown'}` : `by signal ${signal}`;
}

function seconds(us: number): string {
  return `${(us / 1e6).toFixed(3)} s`;
}
