import { Code } from '../wire/errors.ts';

/** A call that failed, as its gRPC status says it. Codes are those of `Code`, texts are the server's. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: number;
  /** What stands behind it on this side, such as a connection refused; empty when the server answered. */
  readonly detail: string;

  constructor(code: number, text: string, detail = '') {
    super(text);
    this.code = code;
    this.detail = detail;
  }
}

const codeNames: ReadonlyMap<number, string> = new Map(
  Object.entries(Code).map(([name, code]) => [code, name]),
);

/**
 * The text as etcd's Go client prints it (client/v3/client.go, toErr): etcd's own errors and timeouts bare, all
 * others with their code.
 */
export function describeClientError(error: ClientError): string {
  if (error.code === Code.DeadlineExceeded) return 'context deadline exceeded';
  if (error.code === Code.Canceled && error.message === 'context canceled') return error.message;
  if (error.message.startsWith('etcdserver: ')) return error.message;
  return `rpc error: code = ${codeNames.get(error.code) ?? error.code} desc = ${error.message}`;
}
