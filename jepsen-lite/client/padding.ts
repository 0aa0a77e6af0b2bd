/**
 * Large values in small histories: `9-17+65536` stands for that text and so many bytes behind it that follow from it.
 * Who reads such a value back checks every byte, and writes it down as it was named.
 */

const padded = /^(.+)\+(\d+)$/s;
const separator = 0x0a;

/** What goes over the wire for a value of a history. */
export function expandValue(value: string): Uint8Array {
  const match = padded.exec(value);
  const text = Buffer.from(value);
  return match === null ? text : Buffer.concat([text, paddingOf(value, Number(match[2]))]);
}

/** How a value stands in a history; one whose padding is not what it must be is named as damaged. */
export function foldValue(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = buffer.indexOf(separator);
  if (at < 0) return buffer.toString();
  const name = buffer.toString('utf8', 0, at);
  const size = Number(padded.exec(name)?.[2] ?? -1);
  const rest = buffer.subarray(at);
  if (size >= 0 && rest.equals(paddingOf(name, size))) return name;
  return `damaged ${name}, ${rest.length} bytes behind it`;
}

/** A separator, then bytes that differ from those of any other value of the run. */
function paddingOf(name: string, size: number): Buffer {
  const pattern = Buffer.from(`${name} `);
  const padding = Buffer.alloc(size + 1, pattern);
  padding[0] = separator;
  return padding;
}
