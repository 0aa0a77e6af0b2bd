import type { ServerResponse } from 'node:http';
import { utf8 } from '../base/bytes.ts';
import type { Logger } from '../host/logger.ts';
import type { Counter, Gauge, Metrics } from '../host/metrics.ts';
import { noMember } from '../raft/types.ts';
import type { Member } from '../server/types.ts';
import type { Outcome } from '../wire/errors.ts';
import { RangeRequest } from '../wire/kv.ts';
import { AlarmType, describeAlarmType } from '../wire/maintenance.ts';
import { beforeRead } from './before-read.ts';
import { onlyGet, respondError, respondText, type HttpRoute } from './http-route.ts';

export interface HealthOptions {
  readonly member: Member;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** /health, /livez and /readyz (etcd server/etcdserver/api/etcdhttp/health.go). */
export function healthRoutes(options: HealthOptions): readonly (readonly [string, HttpRoute])[] {
  const { member } = options;
  const counts = new CheckCounts(options.metrics);
  const livez = { name: 'livez', checks: livezChecks(member), counts, logger: options.logger };
  const readyz = { name: 'readyz', checks: readyzChecks(member), counts, logger: options.logger };
  return [
    ['/health', onlyGet(healthRoute(options))],
    ...probeRoutes(livez),
    ...probeRoutes(readyz),
  ];
}

/** Calls back with what is wrong, or undefined. */
type Check = (done: (failure: string | undefined) => void) => void;

/** A read of one key, which need not exist: as linearizable as a client's, or as local. */
function readCheck(member: Member, serializable: boolean): Check {
  const request = RangeRequest.create({ key: utf8('\0'), limit: 1, keysOnly: true, serializable });
  return (done) => {
    const finish = (outcome: Outcome<unknown>): void =>
      done(outcome.ok ? undefined : outcome.error.text);
    beforeRead(member, serializable, (outcome) => {
      if (outcome.ok) member.range(request, finish);
      else finish(outcome);
    });
  };
}

/** Fails while any member is said to be corrupt. */
function corruptionCheck(member: Member): Check {
  return (done) => {
    const isRaised = member.alarms().some(({ alarm }) => alarm === AlarmType.CORRUPT);
    done(isRaised ? 'alarm activated: CORRUPT' : undefined);
  };
}

function healthRoute({ member, metrics, logger }: HealthOptions): HttpRoute {
  const succeeded = metrics.counter(
    'etcd_server_health_success',
    'The total number of successful health checks',
  );
  const failed = metrics.counter(
    'etcd_server_health_failures',
    'The total number of failed health checks',
  );
  const answer = (response: ServerResponse, reason: string): void => {
    const isHealthy = reason === '';
    (isHealthy ? succeeded : failed).add();
    const body = JSON.stringify({ health: String(isHealthy), reason });
    if (isHealthy) {
      response.setHeader('Content-Type', 'text/plain; charset=utf-8');
      response.end(body);
    } else {
      logger.log('warn', '/health error', { output: body, 'status-code': 503 });
      respondError(response, 503, body);
    }
  };
  const checks = { local: readCheck(member, true), cluster: readCheck(member, false) };
  return ({ query }, response) => {
    const alarm = describeAlarms(member, new Set(query.getAll('exclude')));
    if (alarm !== undefined) return answer(response, alarm);
    const serializable = query.get('serializable') === 'true';
    if (!serializable && member.lead === noMember) return answer(response, 'RAFT NO LEADER');
    const check = serializable ? checks.local : checks.cluster;
    check((failure) => answer(response, failure === undefined ? '' : `RANGE ERROR:${failure}`));
  };
}

/** The first alarm in force whose name is not excluded. */
function describeAlarms(member: Member, excluded: ReadonlySet<string>): string | undefined {
  for (const { alarm } of member.alarms()) {
    if (excluded.has(describeAlarmType(alarm))) continue;
    const isKnown = alarm === AlarmType.NOSPACE || alarm === AlarmType.CORRUPT;
    return `ALARM ${isKnown ? describeAlarmType(alarm) : 'UNKNOWN'}`;
  }
  return undefined;
}

type Checks = ReadonlyMap<string, Check>;

function livezChecks(member: Member): Checks {
  return new Map([['serializable_read', readCheck(member, true)]]);
}

function readyzChecks(member: Member): Checks {
  return new Map<string, Check>([
    ['data_corruption', corruptionCheck(member)],
    ['serializable_read', readCheck(member, true)],
    ['linearizable_read', readCheck(member, false)],
    ['non_learner', (done) => done(member.isLearner ? 'not supported for learner' : undefined)],
  ]);
}

interface Probe {
  readonly name: string;
  readonly checks: Checks;
  readonly counts: CheckCounts;
  readonly logger: Logger;
}

/** The probe itself, which leaves out what `?exclude` names, and one path for each of its checks. */
function probeRoutes(probe: Probe): readonly (readonly [string, HttpRoute])[] {
  const { name, checks } = probe;
  const all = [...checks.keys()];
  const whole = probeRoute(probe, (query) => {
    const excluded = new Set(query.getAll('exclude'));
    return all.filter((check) => !excluded.has(check));
  });
  return [
    [`/${name}`, whole],
    ...all.map((check) => [`/${name}/${check}`, probeRoute(probe, () => [check])] as const),
  ];
}

function probeRoute(
  probe: Probe,
  select: (query: URLSearchParams) => readonly string[],
): HttpRoute {
  return onlyGet(({ query, path }, response) => {
    runChecks(probe, select(query), ({ isHealthy, report }) => {
      if (isHealthy) {
        return respondText(response, 200, query.has('verbose') ? `${report}ok\n` : 'ok\n');
      }
      const fields = { path, reason: report, 'status-code': 503 };
      probe.logger.log('warn', 'Health check error', fields);
      respondError(response, 503, report);
    });
  });
}

interface Report {
  readonly isHealthy: boolean;
  /** One line for each check. */
  readonly report: string;
}

function runChecks(probe: Probe, names: readonly string[], done: (report: Report) => void): void {
  const lines: string[] = [];
  let isHealthy = true;
  const runFrom = (index: number): void => {
    const name = names[index];
    const check = name === undefined ? undefined : probe.checks.get(name);
    if (name === undefined || check === undefined) {
      return done({ isHealthy, report: lines.map((line) => `${line}\n`).join('') });
    }
    check((failure) => {
      probe.counts.record(probe.name, name, failure === undefined);
      lines.push(failure === undefined ? `[+]${name} ok` : `[-]${name} failed: ${failure}`);
      isHealthy &&= failure === undefined;
      runFrom(index + 1);
    });
  };
  runFrom(0);
}

/** What the last run of each check gave, and how often it gave what. */
class CheckCounts {
  private readonly last: Gauge;
  private readonly total: Counter;

  constructor(metrics: Metrics) {
    this.last = metrics.gauge(
      'etcd_server_healthcheck',
      'The result of each kind of healthcheck.',
      ['type', 'name'],
    );
    this.total = metrics.counter(
      'etcd_server_healthchecks_total',
      'The total number of each kind of healthcheck.',
      ['type', 'name', 'status'],
    );
  }

  record(type: string, name: string, isHealthy: boolean): void {
    this.last.set(isHealthy ? 1 : 0, { type, name });
    this.total.add(1, { type, name, status: isHealthy ? 'success' : 'error' });
  }
}
