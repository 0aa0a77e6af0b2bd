/** Records per chunk: growing never copies what is there. */
const chunkBits = 10;
const chunkRecords = 1 << chunkBits;

/**
 * Records of a few numbers each, side by side in chunks of memory, so that a hundred thousand of them are not as many
 * objects for the garbage collector to walk. They are found by small numbers that their owner gives out, best without
 * gaps. A record is so many 64-bit floats wide; each place may be used as one float or as two 32-bit words.
 */
export class Records {
  private readonly recordFloats: number;
  private readonly recordWords: number;
  private readonly floats: Float64Array[] = [];
  /** The same memory as 32-bit integers. */
  private readonly words: Uint32Array[] = [];

  constructor(recordFloats: number) {
    this.recordFloats = recordFloats;
    this.recordWords = 2 * recordFloats;
  }

  /** Makes room for a record, zeroed when it is new. Before that nothing of it may be read or written. */
  reserve(id: number): void {
    while (this.floats.length <= id >>> chunkBits) {
      const floats = new Float64Array(chunkRecords * this.recordFloats);
      this.floats.push(floats);
      this.words.push(new Uint32Array(floats.buffer));
    }
  }

  float(id: number, place: number): number {
    const floats = this.floats[id >>> chunkBits] as Float64Array;
    return floats[(id & (chunkRecords - 1)) * this.recordFloats + place] as number;
  }

  setFloat(id: number, place: number, value: number): void {
    const floats = this.floats[id >>> chunkBits] as Float64Array;
    floats[(id & (chunkRecords - 1)) * this.recordFloats + place] = value;
  }

  /** Words are counted from the start of the record, two for each float. */
  word(id: number, place: number): number {
    return this.wordsOf(id)[this.firstWordOf(id) + place] as number;
  }

  setWord(id: number, place: number, value: number): void {
    this.wordsOf(id)[this.firstWordOf(id) + place] = value;
  }

  /** For who looks at several words of a record: the chunk that it is in, and where in it. */
  wordsOf(id: number): Uint32Array {
    return this.words[id >>> chunkBits] as Uint32Array;
  }

  firstWordOf(id: number): number {
    return (id & (chunkRecords - 1)) * this.recordWords;
  }
}
