import Table from 'cli-table3';
import { utf8 } from '../../base/bytes.ts';
import { badFeature } from './exit.ts';
import type { Printed, Printer } from './output.ts';
import { hashKvRows, healthRows, memberRows, statusRows, type Rows } from './rows.ts';

const unsupported = (): never => {
  throw badFeature('table not supported as output format');
};

/** `-w table`: only lists of members and endpoints have it. */
export const tablePrinter: Printer = {
  get: unsupported,
  put: unsupported,
  del: unsupported,
  txn: unsupported,
  watch: unsupported,
  leaseGrant: unsupported,
  leaseRevoke: unsupported,
  leaseKeepAlive: unsupported,
  leaseTimeToLive: unsupported,
  leaseList: unsupported,
  memberAdd: unsupported,
  memberRemove: unsupported,
  memberUpdate: unsupported,
  memberPromote: unsupported,
  alarms: unsupported,
  moveLeader: unsupported,
  memberList: (response) => grid(memberRows(response)),
  endpointHealth: (list) => grid(healthRows(list)),
  endpointStatus: (list) => grid(statusRows(list)),
  endpointHashKv: (list) => grid(hashKvRows(list)),
};

/** The grid of olekukonko/tablewriter: capitals centred above, texts to the right below. */
function grid({ header, rows }: Rows): Printed {
  const table = new Table({
    style: { head: [], border: [], compact: true },
    colAligns: header.map(() => 'right' as const),
    head: header.map((name) => name.toUpperCase().replaceAll('_', ' ')),
  });
  // Heads take the alignment of their column unless each says otherwise.
  table.options.head = table.options.head.map(
    (content) => ({ content, hAlign: 'center' }) as unknown as string,
  );
  table.push(...rows.map((row) => [...row]));
  return { out: utf8(`${table.toString()}\n`), err: '' };
}
