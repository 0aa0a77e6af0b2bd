import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { HpackError } from './error.ts';
import { codeLengths, codes, endOfString } from './huffman-code.ts';

/**
 * Strings in the Huffman code (RFC 7541, section 5.2). Decoding goes four bits a step through a table of states, one
 * for each inner node of the code's tree: as no code is shorter than five bits, a step ends at most one symbol.
 */

/** What a step does, from the low bit: 8 bits of the next state, 8 of the symbol that it ends, then these. */
const emits = 1 << 16;
const fails = 1 << 17;

interface Automaton {
  /** By state and the next four bits. */
  readonly steps: Int32Array;
  /** By state: whether a string may end there, with fewer than eight bits left over, all of them one. */
  readonly mayEnd: Uint8Array;
}

const { steps, mayEnd } = buildAutomaton();

/** The most that so many bytes can decode to: the shortest code has five bits. */
export function decodedBytesMax(encodedBytes: number): number {
  return Math.floor((encodedBytes * 8) / 5);
}

/**
 * Decodes `source` from `start` to `end` into `target`, which has room for it, and returns how many bytes came of it.
 * @throws HpackError: the end-of-string symbol, or a wrong rest of the last byte.
 */
export function decodeHuffman(source: Bytes, start: number, end: number, target: Bytes): number {
  let state = 0;
  let length = 0;
  for (let i = start; i < end; i++) {
    const byte = source[i] as number;
    const high = steps[(state << 4) | (byte >> 4)] as number;
    if (high & emits) target[length++] = high >> 8;
    const low = steps[((high & 0xff) << 4) | (byte & 15)] as number;
    if (low & emits) target[length++] = low >> 8;
    // A failed step leads nowhere on: one look at the byte is enough.
    if ((high | low) & fails) throw new HpackError('end of string inside a Huffman-coded string');
    state = low & 0xff;
  }
  if (mayEnd[state] !== 1) throw new HpackError('wrong padding of a Huffman-coded string');
  return length;
}

/** How many bytes the text takes, which must be Latin-1. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  let all = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    all |= symbol;
    bits += codeLengths[symbol] as number;
  }
  assert(all <= 0xff, 'the text of a header field is Latin-1');
  return (bits + 7) >>> 3;
}

/** Writes the text at `offset` of `target`, which has room for it, and returns the offset after it. */
export function encodeHuffman(text: string, target: Bytes, offset: number): number {
  let at = offset;
  // Bits that do not fill a byte yet, fewer than eight: with a code of 30 they would not fit into a number's 32.
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    const code = codes[symbol] as number;
    let codeBits = codeLengths[symbol] as number;
    while (pendingBits + codeBits >= 8) {
      const taken = 8 - pendingBits;
      codeBits -= taken;
      target[at++] = (pending << taken) | ((code >>> codeBits) & 0xff);
      pending = 0;
      pendingBits = 0;
    }
    pending = (pending << codeBits) | (code & ((1 << codeBits) - 1));
    pendingBits += codeBits;
  }
  if (pendingBits > 0) target[at++] = (pending << (8 - pendingBits)) | (0xff >>> pendingBits);
  return at;
}

/** An inner node: where a 0 and a 1 lead, to a node's number, or below zero to `~symbol`. */
type Node = [number, number];

function buildTree(): Node[] {
  const nodes: Node[] = [[0, 0]];
  for (let symbol = 0; symbol < codes.length; symbol++) {
    const length = codeLengths[symbol] as number;
    let at = nodes[0] as Node;
    for (let bit = length - 1; bit >= 0; bit--) {
      const side = ((codes[symbol] as number) >>> bit) & 1;
      if (bit === 0) at[side] = ~symbol;
      // The root is below no node, so 0 says that there is none yet.
      else at = nodes[at[side] || (at[side] = nodes.push([0, 0]) - 1)] as Node;
    }
  }
  return nodes;
}

function buildAutomaton(): Automaton {
  const nodes = buildTree();
  const steps = new Int32Array(nodes.length * 16);
  for (let state = 0; state < nodes.length; state++) {
    for (let bits = 0; bits < 16; bits++) steps[state * 16 + bits] = buildStep(nodes, state, bits);
  }
  const mayEnd = new Uint8Array(nodes.length);
  for (let state = 0, ones = 0; ones < 8; ones++) {
    mayEnd[state] = 1;
    state = nodes[state]?.[1] as number;
  }
  return { steps, mayEnd };
}

function buildStep(nodes: readonly Node[], state: number, bits: number): number {
  let step = 0;
  let at = state;
  for (let bit = 3; bit >= 0; bit--) {
    const next = nodes[at]?.[(bits >>> bit) & 1] as number;
    if (~next === endOfString) return fails;
    if (next < 0) step = emits | (~next << 8);
    at = Math.max(next, 0);
  }
  return step | at;
}
