import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutatedFiles } from './apply.ts';
import type { Mutant } from './types.ts';

/** A copy of the program in a folder of its own, in which mutants are planted one after the other and built. */

export const root = fileURLToPath(new URL('../../../', import.meta.url));

const copied = ['src', 'test', 'jepsen-lite', 'scripts', 'proto', 'package.json', 'tsconfig.json'];
/** Built programs, a hundred megabytes of them: they are shared. */
const shared = ['node_modules', 'test/interop/bin', 'test/bench/bin'];

/** Whether tsc has built the file here, and will in a copy. */
export function isBuilt(entry: string): boolean {
  return existsSync(join(root, entry));
}

export class BuildFailed extends Error {}

export class Workshop {
  readonly folder: string;
  private planted: ReadonlyMap<string, string> = new Map();

  private constructor(folder: string) {
    this.folder = folder;
    process.once('exit', this.close);
  }

  /** Copies and builds, some ten seconds; every mutant after it takes two. */
  static open(): Workshop {
    const workshop = new Workshop(mkdtempSync(join(tmpdir(), 'quorate-mutants-')));
    for (const name of copied) {
      const from = join(root, name);
      if (!existsSync(from)) continue;
      const filter = (path: string): boolean => !shared.includes(path.slice(root.length));
      cpSync(from, join(workshop.folder, name), { recursive: true, filter });
    }
    for (const name of shared) {
      if (existsSync(join(root, name))) symlinkSync(join(root, name), join(workshop.folder, name));
    }
    workshop.build();
    return workshop;
  }

  /** Takes out the mutant planted before, plants this one, and builds. Without one the source is as it was. */
  plant(mutant: Mutant | undefined): void {
    for (const [file, text] of this.planted) writeFileSync(this.pathOf(file), text);
    const before = new Map<string, string>();
    const after =
      mutant === undefined
        ? new Map<string, string>()
        : mutatedFiles(mutant, (file) => readFileSync(this.pathOf(file), 'utf8'));
    for (const [file, text] of after) {
      before.set(file, readFileSync(this.pathOf(file), 'utf8'));
      writeFileSync(this.pathOf(file), text);
    }
    this.planted = before;
    this.build();
  }

  readonly close = (): void => {
    process.off('exit', this.close);
    rmSync(this.folder, { recursive: true, force: true });
  };

  private pathOf(file: string): string {
    return join(this.folder, 'src', file);
  }

  private build(): void {
    const { folder } = this;
    const steps = [
      ['node_modules/typescript/bin/tsc', '-p', '.', '--incremental'],
      ['scripts/finish-build.mjs'],
    ];
    for (const argv of steps) {
      const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
        cwd: folder,
        encoding: 'utf8',
      });
      if (status !== 0) throw new BuildFailed(`${stdout}${stderr}`.trim());
    }
  }
}
