import type { Scheduler } from '../base/clock.ts';
import type { Handlers } from '../grpc/types.ts';
import type { Metrics } from '../host/metrics.ts';
import type { Member } from '../server/types.ts';
import { methods } from '../wire/services.ts';
import { clusterRoutes } from './cluster.ts';
import { electionRoutes } from './election.ts';
import { healthRoutes } from './health.ts';
import { kvRoutes } from './kv.ts';
import { LeaderWatch } from './leader-watch.ts';
import { leaseRoutes } from './lease.ts';
import { lockRoutes } from './lock.ts';
import { maintenanceRoutes } from './maintenance.ts';
import type { Readiness } from './readiness.ts';
import { RpcMetrics } from './rpc-metrics.ts';
import { unimplemented, type ApiContext, type ApiLimits } from './rpc.ts';
import { watchRoutes } from './watch.ts';

export interface ServicesOptions {
  readonly member: Member;
  readonly metrics: Metrics;
  readonly scheduler: Scheduler;
  readonly limits: ApiLimits;
  readonly electionTimeoutMs: number;
  readonly readiness: Readiness;
}

/** Every method of etcd's, by its path; one that is not built yet answers Unimplemented. */
export function createHandlers(options: ServicesOptions): Handlers {
  const { member, metrics, scheduler, limits, electionTimeoutMs, readiness } = options;
  const leaderWatch = new LeaderWatch(member, scheduler, electionTimeoutMs);
  const api: ApiContext = {
    member,
    limits,
    metrics: new RpcMetrics(metrics),
    leaderWatch,
    readiness,
  };
  const handlers = new Map([
    ...kvRoutes(api),
    ...leaseRoutes(api),
    ...clusterRoutes(api),
    ...maintenanceRoutes(api),
    ...watchRoutes(api),
    ...lockRoutes(api),
    ...electionRoutes(api),
    ...healthRoutes(api),
  ]);
  for (const method of methods) {
    if (!handlers.has(method.path)) handlers.set(...unimplemented(api, method));
  }
  return handlers;
}
