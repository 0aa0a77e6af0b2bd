import type { FlagSpec, FlagValues } from './flags.ts';

/** Flags of every verb (etcdctl/ctlv3/ctl.go). */
export const globalFlags: readonly FlagSpec[] = [
  { name: 'endpoints', kind: 'list', default: '127.0.0.1:2379', help: 'members to talk to' },
  { name: 'debug', kind: 'boolean', default: 'false', help: 'print the flags in force' },
  {
    name: 'write-out',
    short: 'w',
    kind: 'text',
    default: 'simple',
    help: 'format of the output: fields, json, protobuf, simple, table',
  },
  { name: 'hex', kind: 'boolean', default: 'false', help: 'print bytes and ids as hex' },
  { name: 'dial-timeout', kind: 'duration', default: '2s', help: 'time to connect to a member' },
  { name: 'command-timeout', kind: 'duration', default: '5s', help: 'time for the whole command' },
  { name: 'keepalive-time', kind: 'duration', default: '2s', help: 'time between two pings' },
  { name: 'keepalive-timeout', kind: 'duration', default: '6s', help: 'time to wait for a ping' },
  { name: 'max-request-bytes', kind: 'int64', default: '0', help: 'largest request; 0 is 2 MiB' },
  { name: 'max-recv-bytes', kind: 'int64', default: '0', help: 'largest answer; 0 is 2 GiB' },
  { name: 'insecure-transport', kind: 'boolean', default: 'true', help: 'connect without TLS' },
  { name: 'insecure-discovery', kind: 'boolean', default: 'true', help: 'trust plain SRV records' },
  {
    name: 'insecure-skip-tls-verify',
    kind: 'boolean',
    default: 'false',
    help: "do not check the server's certificate",
  },
  { name: 'cert', kind: 'text', default: '', help: 'client certificate file' },
  { name: 'key', kind: 'text', default: '', help: 'client key file' },
  { name: 'cacert', kind: 'text', default: '', help: 'file of trusted authorities' },
  { name: 'auth-jwt-token', kind: 'text', default: '', help: 'token to authenticate with' },
  { name: 'user', kind: 'text', default: '', help: 'user name, or name:password' },
  { name: 'password', kind: 'text', default: '', help: 'password' },
  {
    name: 'discovery-srv',
    short: 'd',
    kind: 'text',
    default: '',
    help: 'domain whose SRV records name the members',
  },
  { name: 'discovery-srv-name', kind: 'text', default: '', help: 'suffix of the SRV name' },
];

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that mean something else, or meant something once. */
const notFlags: ReadonlySet<string> = new Set([
  'ETCDCTL_API',
  'ETCDCTL_WATCH_KEY',
  'ETCDCTL_WATCH_RANGE_END',
]);

/**
 * Takes `ETCDCTL_ENDPOINTS` for `--endpoints` and so on, where the flag is not given; returns what it does not know.
 * @throws UsageError
 */
export function readEnvironment(values: FlagValues, environment: Environment): readonly string[] {
  const unknown: string[] = [];
  const byVariable = new Map(
    globalFlags.map((spec) => [`ETCDCTL_${spec.name.replaceAll('-', '_').toUpperCase()}`, spec]),
  );
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('ETCDCTL_') || text === undefined || text === '') continue;
    const spec = byVariable.get(variable);
    if (spec === undefined) {
      if (!notFlags.has(variable)) unknown.push(variable);
    } else if (!values.isGiven(spec.name)) values.set(spec, text);
  }
  return unknown;
}

/** Flags that guard a connection or name a user: passing over them would be worse than refusing. */
const guards = ['cert', 'key', 'cacert', 'auth-jwt-token', 'user', 'password', 'discovery-srv'];

export function describeRefusedFlag(values: FlagValues): string | undefined {
  for (const name of guards) {
    if (!values.isGiven(name)) continue;
    if (values.text(name) === '' && name !== 'user' && name !== 'password') {
      return `empty string is passed to --${name} option`;
    }
    if (values.text(name) !== '') {
      return `--${name} is refused: TLS, authentication and discovery are not built`;
    }
  }
  if (!values.boolean('insecure-transport')) {
    return '--insecure-transport=false is refused: TLS is not built';
  }
  return undefined;
}
