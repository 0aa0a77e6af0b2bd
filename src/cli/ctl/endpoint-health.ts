import { utf8 } from '../../base/bytes.ts';
import { ClientError, describeClientError } from '../../client/client-error.ts';
import type { Client } from '../../client/client.ts';
import { formatDuration } from '../../config/duration.ts';
import { Code } from '../../wire/errors.ts';
import { AlarmType } from '../../wire/maintenance.ts';
import { clusterFlag, endpointsMeant } from './endpoints.ts';
import { CtlError, Exit } from './exit.ts';
import type { EndpointHealth } from './output.ts';
import { show } from './show.ts';
import type { Verb } from './verb.ts';

export const endpointHealth: Verb = {
  name: 'endpoint health',
  usage: 'endpoint health [options]',
  summary: 'Tells whether each endpoint answers a linearizable read and has no alarm',
  flags: [clusterFlag],
  run: async (context) => {
    const endpoints = await endpointsMeant(context);
    const list = await Promise.all(
      endpoints.map((endpoint) => checkHealth(endpoint, context.openClient([endpoint]))),
    );
    show(context, context.printer.endpointHealth(list));
    if (list.some(({ error }) => error !== '')) throw new CtlError(Exit.Error, 'unhealthy cluster');
  },
};

/** etcdctl reads this key, whether it is there or not (ctlv3/command/ep_command.go). */
const healthKey = utf8('health');

async function checkHealth(endpoint: string, client: Client): Promise<EndpointHealth> {
  const startMs = performance.now();
  let problem = '';
  try {
    await client.range({ key: healthKey });
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    // A refusal for lack of permission came through consensus as well.
    if (error.code !== Code.PermissionDenied) problem = describeClientError(error);
  }
  const took = formatDuration(performance.now() - startMs);
  const error = problem === '' ? await describeAlarms(client) : problem;
  return { endpoint, isHealthy: error === '', took, error };
}

async function describeAlarms(client: Client): Promise<string> {
  try {
    const { alarms } = await client.alarms();
    if (alarms.length === 0) return '';
    const names = alarms.map(({ alarm }) => `${alarmNames.get(alarm) ?? 'UNKNOWN'} `);
    return `Active Alarm(s): ${names.join('')}`;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return 'Unable to fetch the alarm list';
  }
}

const alarmNames: ReadonlyMap<number, string> = new Map([
  [AlarmType.NOSPACE, 'NOSPACE'],
  [AlarmType.CORRUPT, 'CORRUPT'],
]);
