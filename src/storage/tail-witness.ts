import { assert } from '../base/assert.ts';
import {
  readBigUint64,
  readUint32,
  readUint64,
  writeBigUint64,
  writeUint32,
  writeUint64,
} from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import { runSteps } from './fs.ts';
import type { Fs, FsDone, FsFile } from './fs.ts';

/**
 * A small file beside the log that says how far the log reached and what this member has voted: a log that is
 * behind it on opening has lost something. It is raised only after the log's own sync and lowered before a
 * suffix is removed, so it is never ahead of an honest disk.
 */
export interface WitnessState {
  readonly hardTerm: number;
  readonly vote: bigint;
  readonly lastTerm: number;
  readonly lastIndex: number;
}

/** Two slots in different pages, written in turn: a torn write leaves the other one. */
const slotStride = 4096;
const slotBytes = 48;
const witnessFormat = 1;

export function encodeSlot(state: WitnessState, sequence: number): Bytes {
  const slot = new Uint8Array(slotBytes);
  writeUint32(slot, 4, witnessFormat);
  writeUint64(slot, 8, sequence);
  writeUint64(slot, 16, state.hardTerm);
  writeBigUint64(slot, 24, state.vote);
  writeUint64(slot, 32, state.lastTerm);
  writeUint64(slot, 40, state.lastIndex);
  writeUint32(slot, 0, crc32c(slot.subarray(4)));
  return slot;
}

function decodeSlot(file: Bytes, slotNumber: number): WitnessContent | undefined {
  const slot = file.subarray(slotNumber * slotStride, slotNumber * slotStride + slotBytes);
  if (slot.length < slotBytes || readUint32(slot, 0) !== crc32c(slot.subarray(4))) return undefined;
  if (readUint32(slot, 4) !== witnessFormat) return undefined;
  return {
    slotNumber,
    sequence: readUint64(slot, 8),
    state: {
      hardTerm: readUint64(slot, 16),
      vote: readBigUint64(slot, 24),
      lastTerm: readUint64(slot, 32),
      lastIndex: readUint64(slot, 40),
    },
  };
}

export interface WitnessContent {
  readonly state: WitnessState;
  readonly sequence: number;
  /** The slot it was found in. */
  readonly slotNumber: number;
}

/** The newer of the slots that are whole, or undefined when there is none. */
export function decodeWitness(file: Bytes): WitnessContent | undefined {
  const slots = [decodeSlot(file, 0), decodeSlot(file, 1)];
  return slots.reduce((newest, slot) =>
    slot !== undefined && (newest === undefined || slot.sequence > newest.sequence) ? slot : newest,
  );
}

interface Waiting {
  readonly sequence: number;
  readonly done: () => void;
}

/** Writes the witness: at most one write in flight, and at most one gathering behind it. */
export class TailWitness {
  private readonly file: FsFile;
  private readonly failed: (error: Error) => void;
  private wanted: WitnessState;
  /** Counts the states wanted; `writtenSequence` is the newest on disk. */
  private wantedSequence: number;
  private writtenSequence: number;
  private newestSlot: number;
  private isWriting = false;
  private waiting: Waiting[] = [];

  constructor(file: FsFile, content: WitnessContent, failed: (error: Error) => void) {
    this.file = file;
    this.wanted = content.state;
    this.wantedSequence = content.sequence;
    this.writtenSequence = content.sequence;
    this.newestSlot = content.slotNumber;
    this.failed = failed;
  }

  /** The newest state asked for: on disk, or being written. */
  get state(): WitnessState {
    return this.wanted;
  }

  /** Calls back when `state` is on disk. */
  write(state: WitnessState, done: () => void): void {
    this.wanted = state;
    this.wantedSequence++;
    this.waiting.push({ sequence: this.wantedSequence, done });
    this.maybeWrite();
  }

  /** Calls back when nothing is being written any more. */
  close(done: () => void): void {
    if (this.writtenSequence < this.wantedSequence) {
      this.waiting.push({ sequence: this.wantedSequence, done: () => this.close(done) });
      return;
    }
    this.file.close(() => done());
  }

  private maybeWrite(): boolean {
    if (this.isWriting || this.writtenSequence === this.wantedSequence) return false;
    this.isWriting = true;
    const sequence = this.wantedSequence;
    // The slot of the older state is overwritten, never the newest one's.
    const slot = encodeSlot(this.wanted, sequence);
    const target = 1 - this.newestSlot;
    const steps: ((done: FsDone) => void)[] = [
      (next) => this.file.write(slot, target * slotStride, next),
      (next) => this.file.sync(next),
    ];
    runSteps(steps, (error) => {
      if (error !== undefined) return this.failed(error);
      this.isWriting = false;
      this.newestSlot = target;
      this.wrote(sequence);
    });
    return true;
  }

  private wrote(sequence: number): void {
    assert(sequence > this.writtenSequence, 'the witness only moves on');
    this.writtenSequence = sequence;
    const ready = this.waiting.filter((waiting) => waiting.sequence <= sequence);
    this.waiting = this.waiting.filter((waiting) => waiting.sequence > sequence);
    this.maybeWrite();
    for (const waiting of ready) waiting.done();
  }
}

/** Makes the file of a new log, with its first state durable in it. Its folder is synced by the caller. */
export function createWitness(fs: Fs, path: string, state: WitnessState, done: FsDone): void {
  fs.openFile(path, (error, file) => {
    if (file === undefined) return done(error);
    const steps: ((done: FsDone) => void)[] = [
      (next) => file.write(encodeSlot(state, 1), 0, next),
      (next) => file.sync(next),
      (next) => file.close(next),
    ];
    runSteps(steps, done);
  });
}

/** The log as it was found on opening. */
export interface FoundLog {
  readonly hardTerm: number;
  readonly vote: bigint;
  readonly lastIndex: number;
  /** Undefined below the log's start and beyond its end. */
  term(index: number): number | undefined;
}

/** What the witness proves to be missing from the log, as a sentence, or undefined. */
export function describeLoss(witness: WitnessState, log: FoundLog): string | undefined {
  const { hardTerm, vote, lastIndex, lastTerm } = witness;
  if (log.hardTerm < hardTerm) {
    return `The log knows no term above ${log.hardTerm}, but this member has been in term ${hardTerm}.`;
  }
  if (log.hardTerm === hardTerm && log.vote !== vote && vote !== 0n) {
    return `The log has lost this member's vote in term ${hardTerm}.`;
  }
  if (log.lastIndex < lastIndex) {
    return `The log ends at index ${log.lastIndex}, but entries up to index ${lastIndex} were written to it.`;
  }
  const term = log.term(lastIndex);
  if (term !== undefined && term !== lastTerm) {
    return `The log's entry at index ${lastIndex} is of term ${term}, but one of term ${lastTerm} was written there.`;
  }
  return undefined;
}
