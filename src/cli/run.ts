import { basename } from 'node:path';
import { startServer } from '../embed/server.ts';
import { runCtlHere } from './ctl-host.ts';
import { runDev } from './dev/main.ts';
import { runServer } from './server.ts';
import { formatOwnVersion } from './version.ts';

const usage = `Usage: quorate <command> [options]

Commands:
  server   run one member; takes etcd's flags
  dev      run a cluster of three members on this machine, for trying things out
  ctl      read and change what a cluster holds; takes etcdctl's commands
  version  print the versions of this program and of the etcd it stands in for

"quorate <command> --help" tells more. Called etcd or etcdctl, the program is the server or the control tool.
`;

/** Runs the command that `argv` names and ends the process with its exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  process.exit(await runCommand(basename(argv[1] ?? ''), argv.slice(2)));
}

async function runCommand(program: string, args: readonly string[]): Promise<number> {
  if (program === 'etcd') return runServer({ program, args, start: startServer });
  if (program === 'etcdctl') return runCtlHere(program, args);
  const [command, ...rest] = args;
  switch (command) {
    case 'server':
      return runServer({ program: 'quorate server', args: rest, start: startServer });
    case 'ctl':
      return runCtlHere('quorate ctl', rest);
    case 'dev':
      return runDev(rest);
    case 'version':
    case '--version':
      process.stdout.write(formatOwnVersion());
      return 0;
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(usage);
      return 0;
    case undefined:
      process.stderr.write(usage);
      return 1;
    default:
      process.stderr.write(`Error: unknown command "${command}" for "quorate"\n${usage}`);
      return 1;
  }
}
