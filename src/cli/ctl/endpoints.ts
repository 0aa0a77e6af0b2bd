import { ClientError, describeClientError } from '../../client/client-error.ts';
import { CtlError, Exit } from './exit.ts';
import type { FlagSpec } from './flags.ts';
import type { VerbContext } from './verb.ts';

export const clusterFlag: FlagSpec = {
  name: 'cluster',
  kind: 'boolean',
  default: 'false',
  help: 'all members of the cluster, as its member list has them',
};

/** The endpoints a verb is about: those given, or with `--cluster` every client URL of the member list. */
export async function endpointsMeant(context: VerbContext): Promise<readonly string[]> {
  if (!context.values.boolean('cluster')) return context.endpoints;
  try {
    const { members } = await context.openClient().memberList({ linearizable: true });
    return members.flatMap(({ clientUrls }) => clientUrls);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const text = describeClientError(error);
    throw new CtlError(
      Exit.Error,
      `failed to fetch endpoints from etcd cluster member list: ${text}`,
    );
  }
}
