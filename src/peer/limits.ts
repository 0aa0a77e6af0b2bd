/** The limits of the links between members. Each is large enough for a healthy link never to meet it. */

/** One chunk of a snapshot stream; the next is sent when it has been written on the other side. */
export const snapshotChunkBytes = 256 * 1024;
/** A snapshot stream on which no chunk moves for this long has failed. */
export const snapshotStallMs = 30_000;
