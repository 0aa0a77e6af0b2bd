import type { Json, Operation } from '../types.ts';

/** Operations and times in words for people. */

export function formatTime(us: number): string {
  return `${(us / 1e6).toFixed(3)} s`;
}

export function formatSpan(us: number): string {
  return us < 10_000 ? `${(us / 1_000).toFixed(2)} ms` : `${Math.round(us / 1_000)} ms`;
}

const jsonCharsMax = 400;

export function formatJson(value: Json): string {
  const text = JSON.stringify(value);
  return text.length <= jsonCharsMax
    ? text
    : `${text.slice(0, jsonCharsMax)}… (${text.length} characters)`;
}

/** What came of it, with what that means. */
export function describeOutcome(operation: Operation): string {
  const { outcome, output, error, startUs, endUs } = operation;
  const after = endUs === undefined ? 'never ended' : `after ${formatSpan(endUs - startUs)}`;
  switch (outcome) {
    case 'ok':
      return endUs === startUs
        ? `was told ${formatJson(output)}`
        : `ok ${after}: ${formatJson(output)}`;
    case 'fail':
      return `failed ${after}, so it did not happen: ${error ?? 'no reason told'}`;
    case 'info':
      return `nobody knows whether it happened (${after}): ${error ?? 'no answer'}`;
  }
}

export function describeOperation(operation: Operation): string {
  const { index, process: client, member, f, input, startUs } = operation;
  const asked = `#${index}, client ${client} at ${member}, ${formatTime(startUs)}: ${f} ${formatJson(input)}`;
  return `${asked} — ${describeOutcome(operation)}`;
}
