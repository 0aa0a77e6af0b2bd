import { existsSync } from 'node:fs';
import { quorate } from '../../test/members/programs.ts';
import type { Db } from './types.ts';

/** This project's server, as it was built. */
export const quorateDb: Db = {
  target: 'quorate',
  program: quorate,
  flags: [],
  usesLibc: true,
  // So ends who is removed before it has joined.
  alarm:
    /"level":"fatal"(?!.*error validating peerURLs)|InvariantError|uncaught error|heap out of memory/,
  snapshotSent: /"msg":"sent a snapshot".*"remote-peer-id":"([0-9a-f]+)"/,
  prepare: () => {
    const [, main = ''] = quorate.command;
    if (!existsSync(main)) throw new Error(`${main} is not there: run \`npm run build\` first`);
    return Promise.resolve(true);
  },
};
