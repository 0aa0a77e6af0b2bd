/** Exit codes of etcdctl (pkg/cobrautl/error.go). */
export const Exit = {
  Success: 0,
  Error: 1,
  BadConnection: 2,
  InvalidInput: 3,
  BadFeature: 4,
  Interrupted: 5,
  BadArgs: 128,
} as const;

/** Ends the command with a code, and with a line on stderr unless one stands there already. */
export class CtlError extends Error {
  override readonly name = 'CtlError';
  readonly exitCode: number;

  constructor(exitCode: number, text: string) {
    super(text);
    this.exitCode = exitCode;
  }
}

export const badArgs = (text: string): CtlError => new CtlError(Exit.BadArgs, text);
export const badFeature = (text: string): CtlError => new CtlError(Exit.BadFeature, text);
export const invalidInput = (text: string): CtlError => new CtlError(Exit.InvalidInput, text);
