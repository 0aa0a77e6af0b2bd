import { ClientError, describeClientError } from '../../client/client-error.ts';
import { methods } from '../../client/methods.ts';
import { badArgs, CtlError, Exit } from './exit.ts';
import { describeBadInt64, saturate } from './flags.ts';
import { mustParseLeaseArg } from './hex-id.ts';
import { show } from './show.ts';
import type { Verb } from './verb.ts';
import type { Word } from './word.ts';

/** The verbs about leases that end with their answer (ctlv3/command/lease_command.go). */

export const leaseGrant: Verb = {
  name: 'lease grant',
  usage: 'lease grant <ttl>',
  summary: 'Grants a lease of so many seconds',
  flags: [],
  run: async (context, args) => {
    const [ttlArg] = args;
    if (ttlArg === undefined || args.length > 1) {
      throw badArgs('lease grant command needs TTL argument');
    }
    const problem = describeBadInt64(ttlArg.text);
    if (problem !== undefined) throw badArgs(`bad TTL (${problem})`);
    const ttl = saturate(BigInt(ttlArg.text));
    const response = await orFailedTo(
      'grant',
      context.openClient().unary(methods.leaseGrant, { ttl }),
    );
    show(context, context.printer.leaseGrant(response));
  },
};

export const leaseRevoke: Verb = {
  name: 'lease revoke',
  usage: 'lease revoke <lease id>',
  summary: 'Revokes a lease and deletes its keys',
  flags: [],
  run: async (context, args) => {
    const id = onlyLease(args, 'lease revoke command needs 1 argument');
    const response = await orFailedTo(
      'revoke',
      context.openClient().unary(methods.leaseRevoke, { id }),
    );
    show(context, context.printer.leaseRevoke(id, response));
  },
};

export const leaseTimeToLive: Verb = {
  name: 'lease timetolive',
  usage: 'lease timetolive [options] <lease id>',
  summary: 'Shows how long a lease lasts',
  flags: [
    { name: 'keys', kind: 'boolean', default: 'false', help: 'show the keys attached to it too' },
  ],
  run: async (context, args) => {
    const id = onlyLease(args, 'lease timetolive command needs lease ID as argument');
    const keys = context.values.boolean('keys');
    const response = await orBadConnection(
      context.openClient().unary(methods.leaseTimeToLive, { id, keys }),
    );
    show(context, context.printer.leaseTimeToLive(response, keys));
  },
};

export const leaseList: Verb = {
  name: 'lease list',
  usage: 'lease list',
  summary: 'Lists all leases',
  flags: [],
  run: async (context) => {
    const response = await orBadConnection(context.openClient().unary(methods.leaseLeases, {}));
    show(context, context.printer.leaseList(response));
  },
};

/** @throws CtlError */
export function onlyLease(args: readonly Word[], usage: string): bigint {
  const [only] = args;
  if (only === undefined || args.length > 1) throw badArgs(usage);
  return mustParseLeaseArg(only);
}

async function orFailedTo<T>(what: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const text = `failed to ${what} lease (${describeClientError(error)})`;
    throw new CtlError(Exit.Error, text);
  }
}

/** etcdctl takes every failure of these calls for one of the connection. */
export async function orBadConnection<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw new CtlError(Exit.BadConnection, describeClientError(error));
  }
}
