/** One harness that takes part in the night. */
export interface Part {
  readonly name: string;
  /** Of the whole time, in parts of all shares together. */
  readonly share: number;
  /** More in one go is of no use. */
  readonly sliceSeconds: number;
  /** Less is not worth a start, or shows nothing. */
  readonly leastSeconds: number;
  /** `number` counts the slices of this part over all nights: what goes round, as a matrix, goes on there. */
  readonly slice: (at: {
    readonly number: number;
    readonly seed: number;
    readonly seconds: number;
  }) => Slice;
  /** Rare states that a slice has never reached, by its output; undefined when it does not say. */
  readonly silentIn?: (output: string) => readonly string[] | undefined;
}

/** A command and what it means to a person: `register under partition`. */
export interface Slice {
  readonly what: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What is kept from night to night, and from an interrupted night for its rest. */
export interface State {
  /** Seeds are given out from here, each once. */
  nextSeed: number;
  /** By part: slices run so far. */
  readonly slices: Record<string, number>;
  /** By part: seconds run so far. */
  readonly seconds: Record<string, number>;
  /** What has failed, to be run before anything else until it passes. */
  corpus: Found[];
  /** The night under way; undefined when the last one came to its end. */
  night: Night | undefined;
}

export interface Night {
  readonly folder: string;
  readonly hours: number;
  elapsedSeconds: number;
  readonly results: SliceResult[];
  /** Rare states that no slice of this night has reached so far; undefined before the first that tells. */
  silent?: readonly string[];
}

export interface SliceResult {
  readonly part: string;
  readonly what: string;
  /** To run it again. */
  readonly command: string;
  readonly seed: number;
  readonly seconds: number;
  readonly isPassed: boolean;
  readonly told: string;
}

/** A slice that failed. */
export interface Found {
  readonly part: string;
  readonly what: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly sinceNight: string;
  /** The folder of the night that has tried it last. */
  readonly triedIn?: string;
}
