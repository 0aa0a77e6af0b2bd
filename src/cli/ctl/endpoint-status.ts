import { ClientError, describeClientError } from '../../client/client-error.ts';
import { clusterFlag, endpointsMeant } from './endpoints.ts';
import { CtlError, Exit } from './exit.ts';
import type { EndpointStatus } from './output.ts';
import { show } from './show.ts';
import type { Verb } from './verb.ts';

export const endpointStatus: Verb = {
  name: 'endpoint status',
  usage: 'endpoint status [options]',
  summary: 'Shows version, size, leader and indexes of each endpoint',
  flags: [clusterFlag],
  run: async (context) => {
    const list: EndpointStatus[] = [];
    let failed = false;
    for (const endpoint of await endpointsMeant(context)) {
      try {
        list.push({ endpoint, response: await context.openClient([endpoint]).status() });
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        const text = describeClientError(error);
        context.writeErr(`Failed to get the status of endpoint ${endpoint} (${text})\n`);
        failed = true;
      }
    }
    show(context, context.printer.endpointStatus(list));
    // Each failure stands on stderr already.
    if (failed) throw new CtlError(Exit.Error, '');
  },
};
