import { Code } from '../wire/errors.ts';
import type { ClientError } from './client-error.ts';

/** How a client waits; tests do not. */
export interface Pace {
  sleep(durationMs: number): Promise<void>;
}

/** How long to wait before what has failed is tried again (client/v3/lease.go, retryConnWait). */
export const retryPauseMs = 500;

/**
 * Whether another try, perhaps at another member, may find what this one did not (client/v3/client.go, isHaltErr).
 */
export function isWorthRetrying({ code }: ClientError): boolean {
  return code === Code.Unavailable || code === Code.Internal;
}
