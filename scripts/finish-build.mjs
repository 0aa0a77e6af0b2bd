// tsc writes files without the executable bit; the program's entry needs it for `npx quorate`. The stamp tells
// ensure-built.mjs what the build has seen.
import { chmodSync, existsSync, writeFileSync } from 'node:fs';

const entry = new URL('../dist/src/cli/main.cjs', import.meta.url);
if (existsSync(entry)) chmodSync(entry, 0o755);
writeFileSync(new URL('../dist/.built', import.meta.url), '');
