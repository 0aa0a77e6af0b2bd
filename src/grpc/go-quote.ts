/** Text as Go's `%q` shows it: what statuses of grpc-go quote of a request (strconv/quote.go). */

const short: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const plain = /^[ !#-[\]-~]*$/;

/** Quotes a header value (one Latin-1 character a byte), whose bytes Go takes for UTF-8. */
export function quoteGo(value: string): string {
  if (plain.test(value)) return `"${value}"`;
  let quoted = '"';
  for (let i = 0; i < value.length;) {
    const character = characterAt(value, i);
    if (character === undefined) {
      quoted += `\\x${digits(value.charCodeAt(i), 2)}`;
      i++;
    } else {
      quoted += short[character] ?? showCharacter(character);
      i += Buffer.byteLength(character);
    }
  }
  return `${quoted}"`;
}

/** A header value as text: what is no UTF-8 becomes U+FFFD. */
export function textOfHeader(value: string): string {
  return plain.test(value) ? value : Buffer.from(value, 'latin1').toString('utf8');
}

/** The character whose UTF-8 begins at a byte; undefined when none does. */
function characterAt(value: string, at: number): string | undefined {
  const first = value.charCodeAt(at);
  if (first < 0x80) return value.charAt(at);
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const bytes = Buffer.from(value.slice(at, at + length), 'latin1');
  const text = bytes.toString('utf8');
  const isWhole = Buffer.from(text, 'utf8').equals(bytes);
  return isWhole && [...text].length === 1 ? text : undefined;
}

function showCharacter(character: string): string {
  if (printable.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${digits(code, 2)}`;
  return code > 0xffff ? `\\U${digits(code, 8)}` : `\\u${digits(code, 4)}`;
}

function digits(value: number, count: number): string {
  return value.toString(16).padStart(count, '0');
}
