import { utf8 } from '../../base/bytes.ts';
import { keepAlive, keepAliveOnce } from '../../client/keep-alive.ts';
import { leaseHex } from './go-text.ts';
import { onlyLease, orBadConnection } from './lease.ts';
import { show } from './show.ts';
import type { Verb } from './verb.ts';

export const leaseKeepAlive: Verb = {
  name: 'lease keep-alive',
  usage: 'lease keep-alive [options] <lease id>',
  summary: 'Keeps a lease alive until it is revoked or this command is ended',
  flags: [{ name: 'once', kind: 'boolean', default: 'false', help: 'prolong it once, and end' }],
  run: async (context, args) => {
    const id = onlyLease(args, 'lease keep-alive command needs lease ID as argument');
    const client = context.openClient();
    if (context.values.boolean('once')) {
      const timeoutMs = context.values.durationMs('command-timeout');
      const once = keepAliveOnce(client, id, timeoutMs, context);
      show(context, context.printer.leaseKeepAlive(await orBadConnection(once)));
      return;
    }
    for await (const response of keepAlive(client, id, context)) {
      show(context, context.printer.leaseKeepAlive(response));
    }
    if (context.values.text('write-out') === 'simple') {
      context.writeOut(utf8(`lease ${leaseHex(id)} expired or revoked.\n`));
    }
  },
};
