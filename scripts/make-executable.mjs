// tsc writes files without the executable bit; the program's entry needs it for `npx quorate`.
import { chmodSync, existsSync } from 'node:fs';

const entry = new URL('../dist/src/cli/main.cjs', import.meta.url);
if (existsSync(entry)) chmodSync(entry, 0o755);
