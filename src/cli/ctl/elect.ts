import type { Bytes } from '../../base/bytes.ts';
import { campaign, observe, resign } from '../../client/election.ts';
import { defaultSessionTtl, openSession, type Session } from '../../client/session.ts';
import { badArgs, CtlError, Exit } from './exit.ts';
import { interruptedBefore, interruption } from './interruption.ts';
import { show } from './show.ts';
import type { Verb, VerbContext } from './verb.ts';

export const elect: Verb = {
  name: 'elect',
  usage: 'elect [options] <election> [proposal]',
  summary: 'Stands for an election and leads until it is interrupted, or observes one',
  flags: [{ name: 'listen', short: 'l', kind: 'boolean', default: 'false', help: 'only observe' }],
  run: async (context, args) => {
    const [election, proposal, surplus] = args;
    if (election === undefined || surplus !== undefined) {
      throw badArgs('elect takes one election name argument and an optional proposal argument');
    }
    const listens = context.values.boolean('listen');
    if (proposal === undefined && !listens) {
      throw badArgs('no proposal argument but -l not set');
    }
    if (proposal !== undefined && listens) throw badArgs('proposal given but -l is set');
    const session = await openSession(context.openClient(), defaultSessionTtl, context);
    const interrupted = interruption(context);
    if (proposal === undefined)
      await observeElection(context, session, election.bytes, interrupted);
    else await lead(context, session, [election.bytes, proposal.bytes], interrupted);
  },
};

async function observeElection(
  context: VerbContext,
  { client, watcher }: Session,
  name: Bytes,
  interrupted: AbortSignal,
): Promise<void> {
  for await (const leader of observe(client, watcher, name, interrupted)) {
    show(context, context.printer.get(leader));
  }
  if (!interrupted.aborted) throw new CtlError(Exit.Error, 'elect: observer lost');
}

async function lead(
  context: VerbContext,
  session: Session,
  [name, value]: readonly [name: Bytes, value: Bytes],
  interrupted: AbortSignal,
): Promise<void> {
  const candidacy = await campaign(session, name, value, interrupted);
  const { key } = candidacy;
  show(context, context.printer.get(await session.client.range({ key })));
  if (!(await interruptedBefore(interrupted, session.expired))) {
    throw new CtlError(Exit.Error, 'elect: session expired');
  }
  await resign(session.client, candidacy);
}
