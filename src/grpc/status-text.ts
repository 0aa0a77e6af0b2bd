/** How a status' text travels in `grpc-message`: percent-encoded UTF-8 (grpc's PROTOCOL-HTTP2.md). */

/** What goes as it is. A blank at an end would make the field malformed (RFC 9113, section 8.2.1). */
const plain = /^(?! )[ -$&-~]*$(?<! )/;

export function encodeStatusText(text: string): string {
  if (plain.test(text)) return text;
  let encoded = '';
  const bytes = Buffer.from(text, 'utf8');
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    const isEdge = i === 0 || i === bytes.length - 1;
    const isPlain = byte >= (isEdge ? 0x21 : 0x20) && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
