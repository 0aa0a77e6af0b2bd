import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

/**
 * The IPv4 address of the interface that the default route leaves by, where Linux tells
 * (pkg/netutil, GetDefaultHost).
 */
export function findDefaultHost(): string | undefined {
  const name = findDefaultInterface();
  if (name === undefined) return undefined;
  return networkInterfaces()[name]?.find(({ family }) => family === 'IPv4')?.address;
}

function findDefaultInterface(): string | undefined {
  let table: string;
  try {
    table = readFileSync('/proc/net/route', 'utf8');
  } catch {
    // Not Linux, or no right to read: nothing is advertised in place of localhost.
    return undefined;
  }
  // Columns: interface, destination, gateway, ... in hexadecimal (man 5 proc).
  for (const line of table.split('\n').slice(1)) {
    const [name, destination] = line.split('\t');
    if (destination === '00000000') return name;
  }
  return undefined;
}
