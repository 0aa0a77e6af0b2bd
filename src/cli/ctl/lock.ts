import { textOf } from '../../base/bytes.ts';
import { lock as acquire, type HeldLock } from '../../client/mutex.ts';
import { defaultSessionTtl, openSession } from '../../client/session.ts';
import { badArgs, CtlError, Exit } from './exit.ts';
import { interruptedBefore, interruption } from './interruption.ts';
import { describeFailure, type ProgramEnd } from './program-end.ts';
import { show } from './show.ts';
import type { Verb, VerbContext } from './verb.ts';

export const lock: Verb = {
  name: 'lock',
  usage: 'lock [options] <name> [program and its arguments]',
  summary: 'Holds a lock until it is interrupted, or while a program runs',
  flags: [
    {
      name: 'ttl',
      kind: 'int64',
      default: '10',
      help: 'seconds until the lock of a holder that is gone is free',
    },
  ],
  run: async (context, args) => {
    const [name, ...program] = args;
    if (name === undefined) {
      throw badArgs('lock takes a lock name argument and an optional command to execute');
    }
    const client = context.openClient();
    const session = await openSession(client, sessionTtl(context), context);
    const interrupted = interruption(context);
    const held = await acquire(session, name.bytes, interrupted);
    if (program.length > 0) {
      await runHolding(
        context,
        held,
        program.map(({ text }) => text),
      );
      return;
    }
    const response = await client.range({ key: held.key });
    if (response.kvs.length === 0) throw new CtlError(Exit.Error, 'lock lost on init');
    show(context, context.printer.get(response));
    if (!(await interruptedBefore(interrupted, session.expired))) {
      throw new CtlError(Exit.Error, 'session expired');
    }
    await held.unlock();
  },
};

/** etcd's default where the flag makes no sense (client/v3/concurrency/session.go, WithTTL). */
function sessionTtl({ values }: VerbContext): number {
  const ttl = values.int64('ttl');
  return ttl > 0 ? ttl : defaultSessionTtl;
}

/** The program's failure is ours, and told after the lock has been given back. */
async function runHolding(
  context: VerbContext,
  held: HeldLock,
  program: readonly string[],
): Promise<void> {
  const end = await context.runProgram(program, {
    ETCD_LOCK_KEY: textOf(held.key),
    ETCD_LOCK_REV: String(held.revision),
  });
  await held.unlock();
  const problem = describeFailure(program[0] ?? '', end);
  if (problem !== undefined) throw new CtlError(exitCodeAfter(end), problem);
}

function exitCodeAfter(end: ProgramEnd): number {
  switch (end.type) {
    case 'exited':
      return end.code;
    case 'killed':
      // Go's ExitStatus of a signalled process is -1.
      return 255;
    case 'notStarted':
      return Exit.Error;
  }
}
