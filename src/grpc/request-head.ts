import { responseHeaders } from './answer-headers.ts';
import { Code } from './codes.ts';
import { quoteGo } from './go-quote.ts';
import { parseGrpcTimeout } from './grpc-timeout.ts';
import type { HeaderList } from './hpack/types.ts';
import { findBase64Error, isBinary } from './metadata.ts';
import type { Status } from './types.ts';

/** What is no call of gRPC gets an answer that people with an HTTP client understand, too. */
export interface Refusal {
  readonly httpStatus: number;
  readonly status: Status;
}

const baseType = 'application/grpc';
/** A deadline that no timer reaches is none. */
const timeoutMaxMs = 2 ** 31 - 1;

/**
 * What the header fields of a request say, checked in grpc-go's order and refused in its words
 * (internal/transport/http2_server.go, operateHeaders). Calls with the very same fields may share one.
 */
export class RequestHead {
  readonly fields: HeaderList;
  path = '';
  encoding = '';
  subtype = '';
  timeoutMs: number | undefined;
  /** Why it is no call. */
  readonly refusal: Refusal | undefined;
  /** What an answer begins with. */
  readonly responseHeaders: HeaderList;
  private method = '';
  private isGrpc = false;
  /** The last one that is not gRPC's. */
  private otherType = '';
  private fieldError: string | undefined;
  private authorities = 0;
  private hosts = 0;

  constructor(fields: HeaderList) {
    this.fields = fields;
    for (let i = 0; i < fields.length; i += 2) {
      this.readField(fields[i] as string, fields[i + 1] as string);
    }
    this.refusal = this.check();
    this.responseHeaders = responseHeaders(this.subtype);
  }

  private readField(name: string, value: string): void {
    switch (name) {
      case ':path':
        this.path = value;
        break;
      case ':method':
        this.method = value;
        break;
      case ':authority':
        this.authorities++;
        break;
      case 'host':
        this.hosts++;
        break;
      case 'content-type':
        this.readType(value);
        break;
      case 'grpc-encoding':
        this.encoding = value;
        break;
      case 'grpc-timeout':
        this.readTimeout(value);
        break;
      default:
        if (isBinary(name)) this.checkBinary(name, value);
    }
  }

  /** The type may be followed by a subtype: `+proto`, `;charset=utf-8`. */
  private readType(type: string): void {
    const separator = type[baseType.length];
    const isOurs = separator === undefined || separator === '+' || separator === ';';
    if (!isOurs || !type.startsWith(baseType)) {
      this.otherType = type;
      return;
    }
    this.isGrpc = true;
    this.subtype = type.slice(baseType.length + 1);
  }

  private readTimeout(value: string): void {
    const timeout = parseGrpcTimeout(value);
    if (typeof timeout === 'string') this.fieldError = `malformed grpc-timeout: ${timeout}`;
    else this.timeoutMs = timeout > timeoutMaxMs ? undefined : timeout;
  }

  private checkBinary(name: string, value: string): void {
    const at = findBase64Error(value);
    if (at === undefined) return;
    const what = `malformed binary metadata ${quoteGo(value)} in header ${quoteGo(name)}`;
    this.fieldError = `${what}: illegal base64 data at input byte ${at}`;
  }

  private check(): Refusal | undefined {
    if (this.authorities > 1 || this.hosts > 1) {
      const counts = `values of :authority: ${this.authorities}, num values of host: ${this.hosts}`;
      return refuse(400, `num ${counts}, both must only have 1 value as per HTTP/2 spec`);
    }
    if (!this.isGrpc) {
      const text = `invalid gRPC request content-type ${quoteGo(this.otherType)}`;
      return { httpStatus: 415, status: { code: Code.INVALID_ARGUMENT, text } };
    }
    if (this.fieldError !== undefined) return refuse(400, this.fieldError);
    if (this.authorities === 0 && this.hosts === 0) {
      return refuse(400, 'no host or :authority header present');
    }
    if (this.method === 'POST') return undefined;
    const what = `Received a HEADERS frame with :method ${quoteGo(this.method)}`;
    return refuse(405, `${what} which should be POST`);
  }
}

function refuse(httpStatus: number, text: string): Refusal {
  return { httpStatus, status: { code: Code.INTERNAL, text } };
}
