import type { Disk } from './disk.ts';
import { levelDatabases } from './level-database.ts';
import { diskFs } from './node-fs.ts';

export const machineDisk: Disk = { fs: diskFs, databases: levelDatabases };
