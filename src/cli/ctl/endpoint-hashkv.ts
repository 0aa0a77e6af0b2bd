import { ClientError, describeClientError } from '../../client/client-error.ts';
import { clusterFlag, endpointsMeant } from './endpoints.ts';
import type { EndpointHashKv } from './output.ts';
import { show } from './show.ts';
import type { Verb } from './verb.ts';

export const endpointHashKv: Verb = {
  name: 'endpoint hashkv',
  usage: 'endpoint hashkv [options]',
  summary: 'Shows the hash of all keys and their history at each endpoint',
  flags: [
    clusterFlag,
    { name: 'rev', kind: 'int64', default: '0', help: 'hash up to this revision; 0 is the newest' },
  ],
  run: async (context) => {
    const revision = context.values.int64('rev');
    const list: EndpointHashKv[] = [];
    let lastError: ClientError | undefined;
    for (const endpoint of await endpointsMeant(context)) {
      try {
        const response = await context.openClient([endpoint]).hashKv({ revision });
        list.push({ endpoint, response });
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        const text = describeClientError(error);
        context.writeErr(`Failed to get the hash of endpoint ${endpoint} (${text})\n`);
        lastError = error;
      }
    }
    show(context, context.printer.endpointHashKv(list));
    if (lastError !== undefined) throw lastError;
  },
};
