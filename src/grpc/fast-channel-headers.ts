import { assert } from '../base/assert.ts';
import { base64, latin1Bytes } from '../base/bytes.ts';

/** The header fields of a request (grpc doc/PROTOCOL-HTTP2.md). */

const engineAgent = 'grpc-quorate';

/** What every request to one server begins with. */
export function requestHeaders(
  address: string,
  path: string,
  userAgent: string | undefined,
): string[] {
  // A path is no host name; grpc-go and grpc-js say the same in its place.
  const authority = address.startsWith('unix:') ? 'localhost' : address;
  const agent = userAgent === undefined ? engineAgent : `${userAgent} ${engineAgent}`;
  const fixed = ['content-type', 'application/grpc', 'user-agent', agent, 'te', 'trailers'];
  const place = [':method', 'POST', ':scheme', 'http', ':path', path, ':authority', authority];
  return [...place, ...fixed, 'grpc-accept-encoding', 'identity,gzip'];
}

const fieldName = /^[0-9a-z_.-]+$/;
/** Without a blank at either end (RFC 9113, section 8.2.1). */
const fieldValue = /^(?! )[\x20-\x7e]*$(?<! )/;

/** Names become lower case, `-bin` values base64. What no header may hold is the caller's mistake. */
export function metadataFields(
  metadata: Readonly<Record<string, string>> | undefined,
): readonly string[] {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(metadata ?? {})) {
    const lower = name.toLowerCase();
    assert(fieldName.test(lower), `metadata cannot be named ${JSON.stringify(name)}`);
    const isBinary = lower.endsWith('-bin');
    const encoded = isBinary ? base64(latin1Bytes(value)).replace(/=+$/, '') : value;
    assert(fieldValue.test(encoded), `the metadata ${name} holds what no header may`);
    fields.push(lower, encoded);
  }
  return fields;
}

const timeoutUnits = [
  ['m', 1],
  ['S', 1000],
  ['M', 60_000],
  ['H', 3_600_000],
] as const;
const timeoutDigitsMax = 8;

/** At most eight digits, in the finest unit that they hold; rounded up, so that the server does not give up first. */
export function formatGrpcTimeout(timeoutMs: number): string {
  for (const [unit, unitMs] of timeoutUnits) {
    const count = Math.ceil(Math.max(0, timeoutMs) / unitMs);
    if (count < 10 ** timeoutDigitsMax) return `${count}${unit}`;
  }
  return `${10 ** timeoutDigitsMax - 1}H`;
}
