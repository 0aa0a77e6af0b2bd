import {
  boolean,
  choice,
  ignored,
  inFile,
  list,
  refused,
  rowsOf,
  text,
  unsigned,
  type Option,
} from './option.ts';

/**
 * Groups "Security" and "Auth" of etcd's help. What guards something is refused; what only tunes a guard that is not
 * there is passed over, and the guard itself is refused where it is asked for.
 */

const row = rowsOf('Security');
const noTls = refused(
  'TLS is not built: use http URLs on loopback or a trusted network, or put a TLS proxy in front',
);
const noTlsToTune = ignored('TLS is not built');
const client = (key: string, option: Option): Option =>
  inFile(`client-transport-security.${key}`, option);
const peer = (key: string, option: Option): Option =>
  inFile(`peer-transport-security.${key}`, option);

export const securityOptions: readonly Option[] = [
  client('cert-file', row('cert-file', text(''), "Clients: the server's certificate.", noTls)),
  client('key-file', row('key-file', text(''), "Clients: the server's key.", noTls)),
  client(
    'client-cert-auth',
    row('client-cert-auth', boolean(false), 'Clients: demand a certificate.', noTls),
  ),
  client(
    'client-cert-file',
    row('client-cert-file', text(''), 'Certificate for connections this member makes.', noTls),
  ),
  client(
    'client-key-file',
    row('client-key-file', text(''), 'Key for connections this member makes.', noTls),
  ),
  row('client-crl-file', text(''), 'Clients: revoked certificates.', noTls),
  client(
    'allowed-hostname',
    row('client-cert-allowed-hostname', list(''), 'Clients: host names allowed.', noTls),
  ),
  client(
    'trusted-ca-file',
    row('trusted-ca-file', text(''), 'Clients: trusted authorities.', noTls),
  ),
  client('auto-tls', row('auto-tls', boolean(false), 'Clients: make a certificate.', noTls)),
  peer('cert-file', row('peer-cert-file', text(''), "Members: the server's certificate.", noTls)),
  peer('key-file', row('peer-key-file', text(''), "Members: the server's key.", noTls)),
  peer(
    'client-cert-auth',
    row('peer-client-cert-auth', boolean(false), 'Members: demand a certificate.', noTls),
  ),
  peer(
    'client-cert-file',
    row('peer-client-cert-file', text(''), 'Members: certificate for outgoing links.', noTls),
  ),
  peer(
    'client-key-file',
    row('peer-client-key-file', text(''), 'Members: key for outgoing links.', noTls),
  ),
  peer(
    'trusted-ca-file',
    row('peer-trusted-ca-file', text(''), 'Members: trusted authorities.', noTls),
  ),
  peer('allowed-cn', row('peer-cert-allowed-cn', list(''), 'Members: names allowed.', noTls)),
  peer(
    'allowed-hostname',
    row('peer-cert-allowed-hostname', list(''), 'Members: host names allowed.', noTls),
  ),
  peer('auto-tls', row('peer-auto-tls', boolean(false), 'Members: make a certificate.', noTls)),
  row('self-signed-cert-validity', unsigned(1), 'Years a made certificate is valid.', noTlsToTune),
  row('peer-crl-file', text(''), 'Members: revoked certificates.', noTls),
  row('cipher-suites', list(''), 'Allowed cipher suites.', noTlsToTune),
  row(
    'cors',
    list('*'),
    'Origins that browsers may call from; * is any.',
    refused('limiting origins is not built: leave it at * and restrict access in front'),
  ),
  row(
    'host-whitelist',
    list('*'),
    'Host names that HTTP requests may carry; * is any.',
    refused('limiting host names is not built: leave it at * and restrict access in front'),
  ),
  row(
    'tls-min-version',
    choice('TLS1.2', 'TLS1.3', ''),
    'Oldest TLS version allowed.',
    noTlsToTune,
  ),
  row(
    'tls-max-version',
    choice('', 'TLS1.2', 'TLS1.3'),
    'Newest TLS version allowed.',
    noTlsToTune,
  ),
  peer(
    'skip-client-san-verification',
    row(
      'peer-skip-client-san-verification',
      boolean(false),
      "Members: do not check the names in a peer's certificate.",
      noTlsToTune,
    ),
  ),
];

const authRow = rowsOf('Auth');
const noAuth = refused('authentication is not built: leave it out');
const noAuthToTune = ignored('authentication is not built');

export const authOptions: readonly Option[] = [
  authRow(
    'auth-token',
    text('simple'),
    "Kind of token: 'simple', or 'jwt' and its options.",
    noAuth,
  ),
  authRow('bcrypt-cost', unsigned(10), 'Cost of hashing a password.', noAuthToTune),
  authRow('auth-token-ttl', unsigned(300), 'Seconds a simple token lives.', noAuthToTune),
];
