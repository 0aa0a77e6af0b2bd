import type { Bytes } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import {
  checkpointName,
  decodeBlockHeader,
  decodeEnd,
  decodeHead,
  endKind,
  headKind,
  headerBytes,
} from './checkpoint-format.ts';
import type { CheckpointHead } from './checkpoint-format.ts';
import type { StorageContext } from './disk.ts';
import { causeText } from './errors.ts';
import type { FileSetId } from './file-set.ts';
import { runSteps, settled, temporarySuffix } from './fs.ts';
import type { FsDone, FsFile } from './fs.ts';
import type { RowTotals } from './store-rows.ts';
import type { CheckpointTarget, StoreState } from './types.ts';

/** What a checkpoint has saved reading: all rows up to a revision. */
export interface LoadedCheckpoint {
  readonly revision: number;
  /** Of those rows; of their count alone is something known when a compaction has taken some since. */
  readonly totals: RowTotals;
  readonly isExact: boolean;
}

/** Reads the checkpoint of a store on opening. Whatever is wrong with it, there is none. */
export class CheckpointReader {
  private readonly context: StorageContext;
  private readonly id: FileSetId;
  private readonly folder: string;
  private readonly target: CheckpointTarget;

  constructor(
    context: StorageContext,
    { id, folder }: { readonly id: FileSetId; readonly folder: string },
    target: CheckpointTarget,
  ) {
    this.context = context;
    this.id = id;
    this.folder = folder;
    this.target = target;
  }

  /** Undefined when there is none that can be gone on from. */
  async load(state: StoreState): Promise<LoadedCheckpoint | undefined> {
    const { fs } = this.context.disk;
    const path = `${this.folder}/${checkpointName}`;
    const listed = fs.list(this.folder) ?? [];
    if (listed.some((entry) => entry.name === `${checkpointName}${temporarySuffix}`)) {
      await settled((done) => fs.remove(`${path}${temporarySuffix}`, done));
    }
    const isThere = listed.some(({ name, kind }) => name === checkpointName && kind === 'file');
    if (!isThere) return undefined;
    let reason: string;
    try {
      const loaded = await this.read(path, state);
      if (typeof loaded !== 'string') return loaded;
      reason = loaded;
    } catch (error) {
      reason = causeText(error);
    }
    await this.ignore(reason);
    return undefined;
  }

  /** Removes it durably: a store that goes on without it could come to look as if it were its own. */
  async ignore(reason: string): Promise<void> {
    this.target.ignored(reason);
    await settled((done) => removeCheckpoint(this.context, this.folder, done));
  }

  used(): void {
    this.target.used();
  }

  private async read(path: string, state: StoreState): Promise<LoadedCheckpoint | string> {
    const file = await openFile(this.context, path);
    try {
      return await this.readBlocks(new BlockReader(file), state);
    } finally {
      await settled((done) => file.close(done));
    }
  }

  private async readBlocks(
    reader: BlockReader,
    state: StoreState,
  ): Promise<LoadedCheckpoint | string> {
    const first = await reader.next();
    if (first === undefined || first.kind !== headKind) return 'its head is damaged';
    const head = decodeHead(first.content, this.id);
    if (typeof head === 'string') return head;
    const unfit = describeUnfit(head, state);
    if (unfit !== undefined) return unfit;
    const { revision, compactRevision } = head.at;
    this.target.begin({ revision, compactRevision });
    for (;;) {
      const block = await reader.next();
      if (block === undefined) return 'it is damaged';
      if (block.kind === endKind) {
        const through = decodeEnd(block.content);
        if (through === undefined || !(await reader.isAtEnd())) return 'its end is damaged';
        if (through.appliedIndex > state.appliedIndex) return 'it is newer than the store';
        break;
      }
      this.target.take(block.kind, block.content);
    }
    const taken = this.target.finish(state);
    const { totals } = head;
    const isExact = compactRevision === state.compactRevision;
    if (isExact && taken > 0) return 'a compaction took rows that none has taken';
    return { revision, totals: { ...totals, count: totals.count - taken }, isExact };
  }
}

/** Why a start cannot go on from it, for what the store says of itself, or undefined. */
function describeUnfit({ at }: CheckpointHead, state: StoreState): string | undefined {
  const isNewer =
    at.appliedIndex > state.appliedIndex ||
    at.revision > state.revision ||
    at.compactRevision > state.compactRevision ||
    at.appliedTerm > state.appliedTerm;
  if (isNewer) return 'it is newer than the store';
  if (state.scheduledCompaction !== -1) return 'a compaction is under way';
  // A later compaction may have taken the last row of a key that is there.
  if (state.compactRevision > at.revision) return 'a later revision was compacted';
  return undefined;
}

/** Lets no start go by the checkpoint of the store in this folder any more. */
export function removeCheckpoint(context: StorageContext, folder: string, done: FsDone): void {
  const { fs } = context.disk;
  const steps: ((next: FsDone) => void)[] = [
    (next) => fs.remove(`${folder}/${checkpointName}`, next),
    (next) => fs.syncFolder(folder, next),
  ];
  runSteps(steps, done);
}

interface Block {
  readonly kind: number;
  readonly content: Bytes;
}

class BlockReader {
  private readonly file: FsFile;
  private position = 0;
  private blocks = 0;

  constructor(file: FsFile) {
    this.file = file;
  }

  /** Undefined when what is there is no block, or not the next one. */
  async next(): Promise<Block | undefined> {
    const headed = await this.read(headerBytes);
    const header = headed === undefined ? undefined : decodeBlockHeader(headed);
    if (header === undefined || header.number !== this.blocks++) return undefined;
    const content = await this.read(header.length);
    if (content === undefined || crc32c(content) !== header.checksum) return undefined;
    return { kind: header.kind, content };
  }

  async isAtEnd(): Promise<boolean> {
    return (await this.read(1)) === undefined;
  }

  private read(length: number): Promise<Bytes | undefined> {
    const into = new Uint8Array(length);
    const { position } = this;
    this.position += length;
    if (length === 0) return Promise.resolve(into);
    return new Promise((resolve, reject) => {
      this.file.read(into, position, (error, count) => {
        if (error === undefined) resolve(count === length ? into : undefined);
        else reject(error);
      });
    });
  }
}

function openFile(context: StorageContext, path: string): Promise<FsFile> {
  return new Promise((resolve, reject) => {
    context.disk.fs.openFile(path, (error, file) => {
      if (file !== undefined) resolve(file);
      else reject(error ?? new Error(`cannot open ${path}`));
    });
  });
}
