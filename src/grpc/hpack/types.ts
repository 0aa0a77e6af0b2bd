import type { Bytes } from '../../base/bytes.ts';

/**
 * Header compression (RFC 7541) of one direction of one connection. Names and values are Latin-1 text, one
 * character a byte. Both ends keep a dynamic table in step: every block must pass through, in order.
 */

/** Name, value, name, value, ... in order; names are lower case. Flat, so that a list costs one array. */
export type HeaderList = readonly string[];

export interface DecodedHeaders {
  readonly fields: HeaderList;
  /** Fields were left out, because the list is larger than the limit. */
  readonly isTooLarge: boolean;
}

export interface HeaderDecoder {
  /**
   * Decodes one whole header block: all of `bytes`, or what lies from `start` to `end`. Fields beyond `listBytesMax`
   * (RFC 9113 section 6.5.2: names, values and 32 bytes each) are decoded, so that the table stays in step, and not
   * kept: `isTooLarge` says so. The bytes are not kept; the very same list may be returned for the same ones.
   * @throws HpackError when the block is malformed: the connection is lost (COMPRESSION_ERROR).
   */
  decode(bytes: Bytes, start?: number, end?: number): DecodedHeaders;
}

export interface HeaderEncoder {
  /**
   * Encodes a list. Fields of names that the encoder knows as varying (`grpc-timeout`, `grpc-message`, ...) stay out
   * of the dynamic table; `never indexed` is used for what is secret (`authorization`, `token`). A list that is given
   * again, the very same one, is recognized, so it must not change; nor must the block, which may be returned again.
   * @throws InvariantError for text that is not Latin-1.
   */
  encode(fields: HeaderList): Bytes;
  /**
   * The other end's SETTINGS_HEADER_TABLE_SIZE: the table shrinks at once, and the next block says so (RFC 7541
   * section 4.2). Ours never grows beyond 4,096 bytes.
   */
  setTableBytesMax(bytes: number): void;
}
