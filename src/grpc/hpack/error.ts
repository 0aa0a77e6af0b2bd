/** A header block that RFC 7541 does not allow. The tables of both ends are no longer in step. */
export class HpackError extends Error {
  override readonly name = 'HpackError';
}
