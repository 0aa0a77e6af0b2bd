import { utf8 } from '../../base/bytes.ts';
import { ClientError, describeClientError } from '../../client/client-error.ts';
import { methods } from '../../client/methods.ts';
import { formatDuration } from '../../config/duration.ts';
import { clusterFlag, endpointsMeant } from './endpoints.ts';
import { CtlError, Exit } from './exit.ts';
import type { Verb } from './verb.ts';

export const defrag: Verb = {
  name: 'defrag',
  usage: 'defrag [options]',
  summary:
    'Gives the space of what was deleted back to the file system, one endpoint after another',
  flags: [clusterFlag],
  run: async (context) => {
    let hasFailed = false;
    for (const endpoint of await endpointsMeant(context)) {
      const startMs = performance.now();
      const took = (): string => formatDuration(performance.now() - startMs);
      try {
        await context.openClient([endpoint]).unary(methods.defragment, {});
        context.writeOut(utf8(`Finished defragmenting etcd member[${endpoint}]. took ${took()}\n`));
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        const why = describeClientError(error);
        context.writeErr(
          `Failed to defragment etcd member[${endpoint}]. took ${took()}. (${why})\n`,
        );
        hasFailed = true;
      }
    }
    // Each failure stands on stderr already.
    if (hasFailed) throw new CtlError(Exit.Error, '');
  },
};
