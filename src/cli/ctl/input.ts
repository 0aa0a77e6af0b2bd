import { concatBytes, emptyBytes, type Bytes } from '../../base/bytes.ts';
import type { Input } from './verb.ts';

const lineFeed = 0x0a;

/** Standard input, read only as far as it is asked for, so that prompts come before what they ask for. */
export function inputFrom(stream: AsyncIterable<Uint8Array>): Input {
  const chunks = stream[Symbol.asyncIterator]();
  let held: Bytes = emptyBytes;
  const pull = async (): Promise<boolean> => {
    const next = await chunks.next();
    if (next.done === true) return false;
    held = concatBytes([held, next.value]);
    return true;
  };
  return {
    readAll: async () => {
      const parts = [held];
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
        parts.push(next.value);
      }
      held = emptyBytes;
      return concatBytes(parts);
    },
    readLine: async () => {
      for (;;) {
        const end = held.indexOf(lineFeed);
        if (end >= 0) {
          const line = new TextDecoder().decode(held.subarray(0, end));
          held = held.subarray(end + 1);
          return line;
        }
        if (!(await pull())) return undefined;
      }
    },
  };
}
