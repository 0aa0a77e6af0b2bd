import type { VerbContext } from './verb.ts';

/** Aborts at SIGINT or SIGTERM, so that a command can give back what it holds. */
export function interruption(context: VerbContext): AbortSignal {
  const controller = new AbortController();
  context.onInterrupt(() => controller.abort());
  return controller.signal;
}

/** Whether the signal came before the other thing. */
export function interruptedBefore(signal: AbortSignal, other: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(true);
    signal.addEventListener('abort', () => resolve(true), { once: true });
    void other.then(() => resolve(false));
  });
}
