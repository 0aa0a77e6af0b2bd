import { Code } from './codes.ts';
import { quoteGo } from './go-quote.ts';
import type { HeaderList } from './hpack/types.ts';
import { encodeStatusText } from './status-text.ts';
import type { Status } from './types.ts';

/** The header lists that answers are made of. Those that are always alike are one array: the encoder knows it again. */

/** The content type is answered in the caller's words, as grpc-go does (internal/grpcutil/method.go, ContentType). */
function headersOf(subtype: string): HeaderList {
  const type = subtype === '' ? 'application/grpc' : `application/grpc+${subtype}`;
  return [':status', '200', 'content-type', type];
}

const plainHeaders = headersOf('');
const protoHeaders = headersOf('proto');

export function responseHeaders(subtype: string): HeaderList {
  if (subtype === '') return plainHeaders;
  return subtype === 'proto' ? protoHeaders : headersOf(subtype);
}

const okTrailers: HeaderList = ['grpc-status', '0'];

export function trailers(status: Status): HeaderList {
  if (status.code === 0 && status.text === '') return okTrailers;
  return ['grpc-status', String(status.code), 'grpc-message', encodeStatusText(status.text)];
}

/** An answer without a message: its trailers are its headers ("Trailers-Only"). */
export function trailersOnly(headers: HeaderList, status: Status): HeaderList {
  return [...headers, ...trailers(status)];
}

/** The answer to what is no call: a status of HTTP, and one of gRPC (grpc-go http2_server.go, writeEarlyAbort). */
export function refusalHeaders(
  headers: HeaderList,
  httpStatus: number,
  status: Status,
): HeaderList {
  return [':status', String(httpStatus), ...headers.slice(2), ...trailers(status)];
}

/** The answer to a compression that is not known; it says which are (grpc's compression.md). */
export function compressionRefusal(headers: HeaderList, encoding: string): HeaderList {
  const text = `grpc: Decompressor is not installed for grpc-encoding ${quoteGo(encoding)}`;
  const refusal = trailersOnly(headers, { code: Code.UNIMPLEMENTED, text });
  return [...refusal, 'grpc-accept-encoding', 'identity,gzip'];
}
