/** Invariants that stay on in production: a wrong member stops rather than lies. */

/** A broken invariant. Nothing catches it to go on: the member that threw it must stop. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Asserts that a value is there, and returns it: for look-ups that an invariant says must succeed. */
export function mustGet<T>(value: T | undefined, message: string): T {
  if (value === undefined) throw new InvariantError(message);
  return value;
}

/** Asserts an integer that JavaScript holds exactly: every revision, index and term is one. */
export function mustBeSafe(value: number, what: string): number {
  if (!Number.isSafeInteger(value)) throw new InvariantError(`${what} is not a safe integer`);
  return value;
}

/** The end of an exhaustive switch: the compiler proves that no case is left. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable case: ${String(value)}`);
}
