import type { HeaderList } from './hpack/types.ts';
import type { Metadata } from './types.ts';

/** Metadata as it lies in the header fields: looked up, and decoded, when it is asked for. */
export class FieldMetadata implements Metadata {
  private readonly fields: HeaderList;

  constructor(fields: HeaderList) {
    this.fields = fields;
  }

  get(name: string): string | undefined {
    const { fields } = this;
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i] !== name) continue;
      const value = fields[i + 1] as string;
      return isBinary(name) ? Buffer.from(value, 'base64').toString('latin1') : value;
    }
    return undefined;
  }
}

export function isBinary(name: string): boolean {
  return name.charCodeAt(name.length - 1) === 0x6e && name.endsWith('-bin');
}

const alphabet = /[^A-Za-z0-9+/]/;

/**
 * Where base64 in a header goes wrong, as Go's decoder counts; undefined when it is right. Padding is for values
 * of whole quantums only (grpc-go internal/transport/http_util.go, decodeBinHeader).
 */
export function findBase64Error(value: string): number | undefined {
  const at = value.search(alphabet);
  const isPadded = value.length % 4 === 0;
  if (at < 0) return value.length % 4 === 1 ? value.length - 1 : undefined;
  const place = at % 4;
  if (value[at] !== '=' || !isPadded || place < 2) return at;
  if (place === 2 && value[at + 1] !== '=') return at;
  const end = at + (place === 2 ? 2 : 1);
  return end < value.length ? end : undefined;
}
