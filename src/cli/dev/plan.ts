import { join } from 'node:path';

/** The loopback cluster: three members at the ports that etcd's own Procfile uses. */

export interface PlannedMember {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly dataDir: string;
  /** Beside the data directory, which holds nothing but data. */
  readonly logFile: string;
  /** Flags of `quorate server`. */
  readonly flags: readonly string[];
}

const names = ['m1', 'm2', 'm3'];
const portBases = [0, 20_000, 30_000];

/** `portOffset` moves all ports, so that two such clusters can run beside each other. */
export function planMembers(dataRoot: string, portOffset: number): readonly PlannedMember[] {
  const places = names.map((name, i) => {
    const clientPort = 2379 + (portBases[i] as number) + portOffset;
    const peerPort = clientPort + 1;
    return {
      name,
      clientPort,
      peerPort,
      clientUrl: `http://127.0.0.1:${clientPort}`,
      peerUrl: `http://127.0.0.1:${peerPort}`,
      dataDir: join(dataRoot, name),
      logFile: join(dataRoot, `${name}.log`),
    };
  });
  const initialCluster = places.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
  return places.map((place) => ({
    ...place,
    flags: [
      `--name=${place.name}`,
      `--data-dir=${place.dataDir}`,
      `--listen-client-urls=${place.clientUrl}`,
      `--advertise-client-urls=${place.clientUrl}`,
      `--listen-peer-urls=${place.peerUrl}`,
      `--initial-advertise-peer-urls=${place.peerUrl}`,
      `--initial-cluster=${initialCluster}`,
      '--initial-cluster-token=quorate-dev',
    ],
  }));
}

/** A line for a shell; words with anything unusual in them are quoted. */
export function formatShellCommand(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
