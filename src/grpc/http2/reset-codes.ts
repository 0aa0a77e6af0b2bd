import { ErrorCode } from './types.ts';

/** The numbers that RST_STREAM and GOAWAY carry (RFC 9113, section 7). */

/** Codes that are not known count as INTERNAL_ERROR. */
export function errorCodeOf(code: number): ErrorCode {
  return code <= ErrorCode.HTTP_1_1_REQUIRED ? (code as ErrorCode) : ErrorCode.INTERNAL_ERROR;
}

export function describeErrorCode(code: number): string {
  return Object.entries(ErrorCode).find(([, known]) => known === code)?.[0] ?? `code ${code}`;
}
