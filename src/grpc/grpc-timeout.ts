import { quoteGo } from './go-quote.ts';

/** The header that carries a caller's deadline: up to eight digits and a unit (grpc's PROTOCOL-HTTP2.md). */

const digitsMax = 8;
const zero = 48;

/** Milliseconds, or grpc-go's words for what is wrong with it (internal/transport/http_util.go, decodeTimeout). */
export function parseGrpcTimeout(value: string): number | string {
  if (value.length < 2) return `transport: timeout string is too short: ${quoteGo(value)}`;
  if (value.length > digitsMax + 1) {
    return `transport: timeout string is too long: ${quoteGo(value)}`;
  }
  const last = value.length - 1;
  const unitMs = unitMsOf(value.charCodeAt(last));
  if (unitMs === undefined) {
    return `transport: timeout unit is not recognized: ${quoteGo(value)}`;
  }
  let count = 0;
  for (let i = 0; i < last; i++) {
    const digit = value.charCodeAt(i) - zero;
    if (digit < 0 || digit > 9) {
      return `strconv.ParseUint: parsing ${quoteGo(value.slice(0, last))}: invalid syntax`;
    }
    count = count * 10 + digit;
  }
  return count * unitMs;
}

function unitMsOf(unit: number): number | undefined {
  switch (unit) {
    case 72: // H
      return 3_600_000;
    case 77: // M
      return 60_000;
    case 83: // S
      return 1000;
    case 109: // m
      return 1;
    case 117: // u
      return 1e-3;
    case 110: // n
      return 1e-6;
    default:
      return undefined;
  }
}
