import type { Anomaly, Verdict } from './types.ts';

/** What is seen of the members beside what clients were told, from the start of a test to its end. */
export interface Ending {
  /** Members that ended when nobody had ended them, or with another code than 0 when they were told to stop. */
  readonly exits: readonly Exit[];
  /** Lines of the members' logs that tell of a broken invariant, a panic or an uncaught error. */
  readonly alarms: readonly LogLine[];
  /** Members that did not serve again although the world was whole, with what they answered last. */
  readonly absent: readonly { readonly member: string; readonly reason: string }[];
  /** From the moment the world was whole until every member served reads and writes; undefined: never in time. */
  readonly recoveredMs: number | undefined;
  /** How much of that a member was ready to run and had no core: a busy machine is no fault of the store. */
  readonly waitedForCoreMs: number;
  readonly hashes: readonly MemberHash[];
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

/** What the harness judges by itself, beside the workload's checkers. */
export function judgeEnding(ending: Ending): readonly Verdict[] {
  return [judgeMembers(ending), judgeRecovery(ending), judgeHashes(ending)];
}

function judgeMembers({ exits, alarms }: Ending): Verdict {
  const ended = exits.map(({ member, code, signal, atUs }): Anomaly => ({
    name: 'unexpected exit',
    what: `${member} ended by itself ${describeEnd(code, signal)} ${seconds(atUs)} after the start.`,
    operations: [],
  }));
  const told = alarms.map(({ member, line }): Anomaly => ({
    name: 'failure in the log',
    what: `${member} logged: ${line}`,
    operations: [],
  }));
  const counts = { exits: exits.length, 'lines of alarm': alarms.length };
  return verdict('members stay up', [...ended, ...told], counts);
}

function judgeRecovery({ absent, recoveredMs, waitedForCoreMs }: Ending): Verdict {
  const missing = absent.map(({ member, reason }): Anomaly => ({
    name: 'no service',
    what: `${member} did not serve again after the world had healed: ${reason}`,
    operations: [],
  }));
  const late: readonly Anomaly[] =
    recoveredMs !== undefined && recoveredMs - waitedForCoreMs > recoveryMsMax
      ? [
          {
            name: 'late service',
            what:
              `It took ${recoveredMs} ms after the world had healed until every member served reads ` +
              `and writes, ${waitedForCoreMs} ms of it waiting for a core; ${recoveryMsMax} ms are allowed.`,
            operations: [],
          },
        ]
      : [];
  return verdict('service comes back', [...missing, ...late], {
    ...(recoveredMs === undefined ? {} : { 'back after ms': recoveredMs }),
    'of these waiting for a core': waitedForCoreMs,
  });
}

function judgeHashes({ hashes }: Ending): Verdict {
  const kinds = new Set(hashes.map(describeHash));
  const anomalies: readonly Anomaly[] =
    kinds.size <= 1
      ? []
      : [
          {
            name: 'members differ',
            what:
              'The members do not hold the same data (HashKV): ' +
              hashes.map((each) => `${each.member} ${describeHash(each)}`).join('; '),
            operations: [],
          },
        ];
  const result = hashes.length === 0 ? 'unknown' : undefined;
  const judged = verdict('members agree', anomalies, { members: hashes.length });
  return result === undefined ? judged : { ...judged, result };
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
