/** How a status' text travels in `grpc-message`: percent-encoded UTF-8 (grpc's PROTOCOL-HTTP2.md). */

const plain = /^[ -$&-~]*$/;

export function encodeStatusText(text: string): string {
  if (plain.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
