import { runServer } from '../../src/cli/server.ts';
import { startServer } from '../../src/embed/server.ts';
import { busyCheckpoints } from './checkpoints.ts';

/** The program's server, save that it writes its index down several times a second, however few keys there are. */

process.exit(
  await runServer({
    program: 'quorate server',
    args: process.argv.slice(2),
    start: (config, host) => startServer(config, { ...host, indexCheckpoint: busyCheckpoints }),
  }),
);
