import { utf8, type Bytes } from '../../base/bytes.ts';

/** One argument: as text for flags and names, as bytes for keys and values, which need not be UTF-8. */
export interface Word {
  readonly text: string;
  readonly bytes: Bytes;
}

export const wordOf = (text: string): Word => ({ text, bytes: utf8(text) });
