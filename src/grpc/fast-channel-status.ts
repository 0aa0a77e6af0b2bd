import { latin1Bytes, textOf } from '../base/bytes.ts';
import { Code } from './codes.ts';
import type { HeaderList } from './hpack/types.ts';
import { ErrorCode } from './http2/types.ts';
import type { Status } from './types.ts';

/** How what a server answers, or how it fails to, becomes the status of a call (grpc doc/PROTOCOL-HTTP2.md). */

export const cancelled: Status = { code: Code.CANCELLED, text: 'context canceled' };
export const deadlineExceeded: Status = {
  code: Code.DEADLINE_EXCEEDED,
  text: 'context deadline exceeded',
};

export const unavailable = (text: string): Status => ({ code: Code.UNAVAILABLE, text });
export const internal = (text: string): Status => ({ code: Code.INTERNAL, text });

/** The first value of a field. */
export function fieldOf(fields: HeaderList, name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}

/** What trailers say, those of an answer without a body included; `headers` came before them or are the same. */
export function statusOfTrailers(headers: HeaderList, trailers: HeaderList): Status {
  const code = fieldOf(trailers, 'grpc-status');
  if (code !== undefined) {
    if (!/^\d{1,9}$/.test(code)) {
      return { code: Code.UNKNOWN, text: `malformed grpc-status: ${JSON.stringify(code)}` };
    }
    return { code: Number(code), text: decodeStatusText(fieldOf(trailers, 'grpc-message') ?? '') };
  }
  return (
    statusOfForeign(headers) ?? { code: Code.UNKNOWN, text: 'the trailers hold no grpc-status' }
  );
}

/** Why response headers are not those of a gRPC server; undefined: they are. */
export function statusOfForeign(headers: HeaderList): Status | undefined {
  const contentType = fieldOf(headers, 'content-type');
  const httpStatus = Number(fieldOf(headers, ':status'));
  const isGrpc = contentType !== undefined && /^application\/grpc($|[+;])/i.test(contentType);
  if (isGrpc && httpStatus === 200) return undefined;
  const about = isGrpc ? '' : `; ${describeContentType(contentType)}`;
  return {
    code: codeOfHttpStatus(httpStatus),
    text: `unexpected HTTP status code received from server: ${httpStatus}${about}`,
  };
}

/** Whether the headers speak of gRPC at all: then the trailers have the last word, whatever the HTTP status. */
export function isGrpcAnswer(headers: HeaderList): boolean {
  return /^application\/grpc($|[+;])/i.test(fieldOf(headers, 'content-type') ?? '');
}

function describeContentType(contentType: string | undefined): string {
  return contentType === undefined
    ? 'malformed header: missing HTTP content-type'
    : `received unexpected content-type ${JSON.stringify(contentType)}`;
}

/** grpc doc/http-grpc-status-mapping.md. */
function codeOfHttpStatus(httpStatus: number): number {
  switch (httpStatus) {
    case 400:
      return Code.INTERNAL;
    case 401:
      return Code.UNAUTHENTICATED;
    case 403:
      return Code.PERMISSION_DENIED;
    case 404:
      return Code.UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
      return Code.UNAVAILABLE;
    default:
      return Code.UNKNOWN;
  }
}

/** Of a stream that was reset (grpc-go internal/transport/http_util.go, http2ErrConvTab). */
export function statusOfReset(code: ErrorCode): Status {
  return { code: codeOfReset(code), text: `stream terminated by RST_STREAM with ${nameOf(code)}` };
}

function codeOfReset(code: ErrorCode): number {
  switch (code) {
    case ErrorCode.REFUSED_STREAM:
      return Code.UNAVAILABLE;
    case ErrorCode.CANCEL:
      return Code.CANCELLED;
    case ErrorCode.FLOW_CONTROL_ERROR:
    case ErrorCode.ENHANCE_YOUR_CALM:
      return Code.RESOURCE_EXHAUSTED;
    case ErrorCode.INADEQUATE_SECURITY:
      return Code.PERMISSION_DENIED;
    default:
      return Code.INTERNAL;
  }
}

function nameOf(code: number): string {
  const known = Object.entries(ErrorCode).find(([, value]) => value === code);
  return known === undefined ? `error code ${code}` : `error code: ${known[0]}`;
}

/** Undoes the percent-encoding of `grpc-message`; what is not well encoded stays as it came. */
export function decodeStatusText(encoded: string): string {
  if (!encoded.includes('%')) return textOf(latin1Bytes(encoded));
  const decoded = encoded.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return textOf(latin1Bytes(decoded));
}
