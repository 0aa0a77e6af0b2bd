/** Records per chunk: growing never copies what is there. */
const chunkBits = 10;
const chunkRecords = 1 << chunkBits;

interface Chunk {
  readonly floats: Float64Array;
  /** The same memory as 32-bit integers. */
  readonly words: Uint32Array;
}

/**
 * Records of a few numbers each, side by side in chunks of memory, so that a hundred thousand of them are not as many
 * objects for the garbage collector to walk. They are found by small numbers that their owner gives out, best without
 * gaps. A record is so many 64-bit floats wide; each place may be used as one float or as two 32-bit words.
 */
export class Records {
  private readonly chunks: (Chunk | undefined)[] = [];
  private readonly floats: number;

  constructor(floats: number) {
    this.floats = floats;
  }

  /** Makes room for a record, zeroed when it is new. Before that nothing of it may be read or written. */
  reserve(id: number): void {
    const at = id >>> chunkBits;
    while (this.chunks.length <= at) this.chunks.push(undefined);
    if (this.chunks[at] !== undefined) return;
    const floats = new Float64Array(chunkRecords * this.floats);
    this.chunks[at] = { floats, words: new Uint32Array(floats.buffer) };
  }

  float(id: number, place: number): number {
    return this.chunkOf(id).floats[(id & (chunkRecords - 1)) * this.floats + place] as number;
  }

  setFloat(id: number, place: number, value: number): void {
    this.chunkOf(id).floats[(id & (chunkRecords - 1)) * this.floats + place] = value;
  }

  /** Words are counted from the start of the record, two for each float. */
  word(id: number, place: number): number {
    return this.chunkOf(id).words[2 * (id & (chunkRecords - 1)) * this.floats + place] as number;
  }

  setWord(id: number, place: number, value: number): void {
    this.chunkOf(id).words[2 * (id & (chunkRecords - 1)) * this.floats + place] = value;
  }

  private chunkOf(id: number): Chunk {
    return this.chunks[id >>> chunkBits] as Chunk;
  }
}
