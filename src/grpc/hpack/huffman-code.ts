/**
 * The Huffman code of RFC 7541, appendix B. It is canonical: codes of one length are consecutive numbers in the order
 * of their symbols, and follow those of the length before. So the lengths say all of it.
 */

/** Bits of the codes of the bytes 0 to 255, as digits to base 36, 32 a row; last that of the end of the string. */
const lengthDigits = [
  'dnsssssssoussussssssssusssssssss',
  '6aacd68baa8b8666555666666678f6ca',
  'd67777777777777777777777878djde6',
  'f56565666577666567655677777fbeds',
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnno',
  'mlkmmnnlnmmolmnnllmlnmnnkmmmnmmn',
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrr',
  'koklmllnmmppooqnqrqqrrrrrsrrrrrq',
  'u',
].join('');

export const endOfString = 256;

/** By symbol, `endOfString` included. */
export const codeLengths: Uint8Array = Uint8Array.from(lengthDigits, (digit) =>
  parseInt(digit, 36),
);

/** By symbol: the code, in the low bits. */
export const codes: Uint32Array = assignCodes();

function assignCodes(): Uint32Array {
  const assigned = new Uint32Array(codeLengths.length);
  let next = 0;
  for (let length = 1; length <= 30; length++) {
    next <<= 1;
    for (let symbol = 0; symbol < codeLengths.length; symbol++) {
      if (codeLengths[symbol] === length) assigned[symbol] = next++;
    }
  }
  return assigned;
}
