import type { WireObject, WireValue } from '../members/protocol.ts';

export function isMessage(value: WireValue): value is WireObject {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** Whether the message or one nested in it has that field. */
export function hasInside(value: WireObject, field: string): boolean {
  return Object.entries(value).some(([name, inner]) => {
    if (name === field) return true;
    if (Array.isArray(inner)) return inner.some((v) => isMessage(v) && hasInside(v, field));
    return isMessage(inner) && hasInside(inner, field);
  });
}
