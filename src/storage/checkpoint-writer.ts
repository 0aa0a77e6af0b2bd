import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import {
  checkpointName,
  encodeBlockHeader,
  encodeEnd,
  encodeHead,
  endKind,
  headKind,
  headerBytes,
} from './checkpoint-format.ts';
import type { StorageContext } from './disk.ts';
import { causeText } from './errors.ts';
import type { FileSetId } from './file-set.ts';
import { runSteps, temporarySuffix } from './fs.ts';
import type { FsDone, FsFile } from './fs.ts';
import type { SpaceGuard } from './space-guard.ts';
import type { RowTotals } from './store-rows.ts';
import type { CheckpointThrough, CheckpointWriter, StoreState } from './types.ts';

type Done = (failed: string | undefined) => void;

/**
 * Writes a checkpoint beside the one that is there, which it replaces when it is whole and synced. Nothing that fails
 * here is fatal: the checkpoint is given up.
 */
export class FileCheckpointWriter implements CheckpointWriter {
  readonly state: StoreState;
  private readonly context: StorageContext;
  private readonly space: SpaceGuard;
  private readonly id: FileSetId;
  private readonly totals: RowTotals;
  private readonly folder: string;
  /** No step is under way, and none will follow. */
  private readonly ended: () => void;
  private file: FsFile | undefined;
  private position = 0;
  private blocks = 0;
  private phase: 'new' | 'writing' | 'resting' | 'aborted' | 'ended' = 'new';

  constructor(parts: {
    readonly context: StorageContext;
    readonly space: SpaceGuard;
    readonly id: FileSetId;
    readonly folder: string;
    readonly state: StoreState;
    readonly totals: RowTotals;
    readonly ended: () => void;
  }) {
    this.context = parts.context;
    this.space = parts.space;
    this.id = parts.id;
    this.folder = parts.folder;
    this.state = parts.state;
    this.totals = parts.totals;
    this.ended = parts.ended;
  }

  write(kind: number, bytes: Bytes, done: Done): void {
    assert(kind < headKind, 'a kind of block is below 256');
    const steps = [...this.openSteps(), ...this.blockSteps(kind, () => bytes)];
    this.run(steps, done);
  }

  finish(through: CheckpointThrough, done: Done): void {
    const { fs } = this.context.disk;
    const path = `${this.folder}/${checkpointName}`;
    const steps: ((next: FsDone) => void)[] = [
      ...this.openSteps(),
      ...this.blockSteps(endKind, () => encodeEnd(through)),
      (next) => this.mustFile().sync(next),
      (next) => this.close(next),
      (next) => fs.rename(`${path}${temporarySuffix}`, path, next),
      (next) => fs.syncFolder(this.folder, next),
    ];
    this.run(steps, (failed) => {
      if (failed === undefined) this.end();
      done(failed);
    });
  }

  abort(): void {
    const { phase } = this;
    if (phase === 'aborted' || phase === 'ended') return;
    this.phase = 'aborted';
    // Otherwise the end of the step under way comes to it.
    if (phase !== 'writing') this.discard(() => undefined);
  }

  private openSteps(): ((next: FsDone) => void)[] {
    if (this.phase !== 'new') return [];
    const { fs } = this.context.disk;
    const temporary = `${this.folder}/${checkpointName}${temporarySuffix}`;
    const head = { id: this.id, at: this.state, totals: this.totals };
    return [
      // What an interrupted one has left may be longer.
      (next) => fs.remove(temporary, next),
      (next) =>
        fs.openFile(temporary, (error, file) => {
          this.file = file;
          next(error);
        }),
      ...this.blockSteps(headKind, () => encodeHead(head)),
    ];
  }

  private blockSteps(kind: number, content: () => Bytes): ((next: FsDone) => void)[] {
    return [
      (next) => {
        const bytes = content();
        const header = encodeBlockHeader(this.blocks++, kind, bytes);
        const at = this.position;
        this.position += headerBytes + bytes.length;
        this.mustFile().write(header, at, (error) => {
          if (error !== undefined || bytes.length === 0) return next(error);
          this.mustFile().write(bytes, at + headerBytes, next);
        });
      },
    ];
  }

  /** Whether it failed, was aborted or went well: what is under way comes to its end before anything else. */
  private run(steps: readonly ((next: FsDone) => void)[], done: Done): void {
    if (this.phase === 'aborted' || this.phase === 'ended') return done('it was given up');
    assert(this.phase !== 'writing', 'one block of a checkpoint is written at a time');
    this.phase = 'writing';
    const guarded = steps.map((step) => (next: FsDone): void => {
      if (this.context.hasFailed) return;
      if (this.phase === 'aborted') next(new Error('it was given up'));
      else if (this.space.isLow) next(new Error('the disk is nearly full'));
      else step(next);
    });
    runSteps(guarded, (error) => {
      if (this.context.hasFailed) return;
      if (error === undefined && this.phase !== 'aborted') {
        this.phase = 'resting';
        return done(undefined);
      }
      this.phase = 'aborted';
      this.discard(() => done(error === undefined ? 'it was given up' : causeText(error)));
    });
  }

  /** What cannot be removed is removed before the next one is written. */
  private discard(done: () => void): void {
    const { fs } = this.context.disk;
    this.close(() => {
      fs.remove(`${this.folder}/${checkpointName}${temporarySuffix}`, () => {
        this.end();
        done();
      });
    });
  }

  private close(done: FsDone): void {
    const { file } = this;
    this.file = undefined;
    if (file === undefined) done(undefined);
    else file.close(done);
  }

  private end(): void {
    this.phase = 'ended';
    this.ended();
  }

  private mustFile(): FsFile {
    assert(this.file !== undefined, 'the checkpoint is open');
    return this.file;
  }
}
