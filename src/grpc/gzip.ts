import { gunzipSync } from 'node:zlib';
import type { Bytes } from '../base/bytes.ts';
import { ownBytes } from './bytes.ts';
import { Code } from './codes.ts';
import type { Status } from './types.ts';

/** The shortest header of gzip (RFC 1952, section 2.3.1). */
const headerBytes = 10;

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/**
 * Unpacks one message, to `bytesMax` at most: what is larger stops there. What is wrong is told in grpc-go's words
 * (rpc_util.go, decompress).
 */
export function gunzip(packed: Bytes, bytesMax: number): Bytes | Status {
  try {
    const options = { maxOutputLength: bytesMax, info: true };
    const { buffer, engine } = gunzipSync(packed, options) as unknown as Inflated;
    // Node ignores what follows the last member; Go takes it for one more.
    if (engine.bytesWritten < packed.length) {
      const isShort = packed.length - engine.bytesWritten < headerBytes;
      return broken('read decompressed data', isShort ? 'unexpected EOF' : 'gzip: invalid header');
    }
    return ownBytes(buffer);
  } catch (error) {
    return describeFailure(error as NodeJS.ErrnoException, packed, bytesMax);
  }
}

function describeFailure(error: NodeJS.ErrnoException, packed: Bytes, bytesMax: number): Status {
  if (error.code === 'ERR_BUFFER_TOO_LARGE') {
    const text = `grpc: received message after decompression larger than max ${bytesMax}`;
    return { code: Code.RESOURCE_EXHAUSTED, text };
  }
  if (packed.length === 0) return broken('decompress the message', 'EOF');
  if (packed.length < headerBytes) return broken('decompress the message', 'unexpected EOF');
  switch (error.message) {
    case 'unexpected end of file':
      return broken('read decompressed data', 'unexpected EOF');
    case 'incorrect header check':
      return broken('decompress the message', 'gzip: invalid header');
    case 'incorrect data check':
    case 'incorrect length check':
      return broken('read decompressed data', 'gzip: invalid checksum');
    default:
      return broken('read decompressed data', error.message);
  }
}

function broken(what: string, why: string): Status {
  return { code: Code.INTERNAL, text: `grpc: failed to ${what}: ${why}` };
}
