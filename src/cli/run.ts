import { basename } from 'node:path';
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
  // Whoever read our log may go; the member stays.
  process.stderr.on('error', () => undefined);
  process.exit(await runCommand(basename(argv[1] ?? ''), argv.slice(2)));
}

/** Each command loads only its own part: the control tool would wait a third of a second for the server's. */
async function serve(program: string, args: readonly string[]): Promise<number> {
  const { runServer } = await import('./server.ts');
  const { startServer } = await import('../embed/server.ts');
  return runServer({ program, args, start: startServer });
}

async function control(program: string, args: readonly string[]): Promise<number> {
  // A reader such as `head` that has seen enough ends the command, as SIGPIPE ends etcdctl.
  process.stdout.once('error', () => process.exit(1));
  const { runCtlHere } = await import('./ctl-host.ts');
  return runCtlHere(program, args);
}

async function developOn(args: readonly string[]): Promise<number> {
  const { runDev } = await import('./dev/main.ts');
  return runDev(args);
}

async function runCommand(program: string, args: readonly string[]): Promise<number> {
  if (program === 'etcd') return serve(program, args);
  if (program === 'etcdctl') return control(program, args);
  const [command, ...rest] = args;
  switch (command) {
    case 'server':
      return serve('quorate server', rest);
    case 'ctl':
      return control('quorate ctl', rest);
    case 'dev':
      return developOn(rest);
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
