import type { Printed } from './output.ts';
import type { VerbContext } from './verb.ts';

export function show(context: VerbContext, printed: Printed): void {
  context.writeOut(printed.out);
  if (printed.err !== '') context.writeErr(printed.err);
}
