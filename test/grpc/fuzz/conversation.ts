import type { Random } from '../../../src/base/random.ts';
import { createHeaderEncoder } from '../../../src/grpc/hpack/encoder.ts';
import { Flag, FrameType } from '../../../src/grpc/http2/frames.ts';
import { paths } from './handlers.ts';
import { flood, oddNumber, oneOf, randomBytes, uint32, type Frame } from './frames.ts';

/** What one client says, right for the most part: mutations come after it. */
export function conversation(random: Random): Frame[] {
  return new Conversation(random).frames;
}

const acts = 12;
const bodyBytesMax = 40_000;

class Conversation {
  readonly frames: Frame[] = [];
  private readonly random: Random;
  private readonly encoder = createHeaderEncoder();
  private nextId = 1;

  constructor(random: Random) {
    this.random = random;
    this.add(FrameType.SETTINGS, 0, 0, this.settings());
    for (let i = random.below(acts); i >= 0; i--) this.act();
  }

  private add(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    this.frames.push({ type, flags, streamId, payload });
  }

  private act(): void {
    const { random } = this;
    const id = this.nextId;
    switch (random.below(10)) {
      case 0:
        return this.add(FrameType.PING, 0, 0, randomBytes(random, 8));
      case 1:
        return this.add(FrameType.SETTINGS, 0, 0, this.settings());
      case 2:
        return this.add(FrameType.WINDOW_UPDATE, 0, this.someId(), uint32(oddNumber(random)));
      case 3:
        return this.add(FrameType.RST_STREAM, 0, this.someId(), uint32(random.below(15)));
      case 4:
        this.frames.push(...flood(random, this.someId()));
        return;
      case 5:
        if (random.below(8) > 0) return;
        return this.add(FrameType.GOAWAY, 0, 0, new Uint8Array(8));
      default:
        this.nextId += 2;
        this.headers(id, this.fields());
        this.body(id);
    }
  }

  private someId(): number {
    return randomId(this.random, this.nextId);
  }

  private settings(): Uint8Array {
    const { random } = this;
    const entries = Array.from({ length: random.below(4) }, () => {
      const entry = Buffer.alloc(6);
      entry.writeUInt16BE(1 + random.below(7));
      const value = random.below(4) === 0 ? oddNumber(random) : 16_384 + random.below(100_000);
      entry.writeUInt32BE(value, 2);
      return entry;
    });
    return Buffer.concat(entries);
  }

  private fields(): string[] {
    const { random } = this;
    const path = random.below(12) === 0 ? '/t.S/Unknown' : oneOf(random, paths);
    const fields = [':method', 'POST', ':scheme', 'http', ':path', path, ':authority', 'a'];
    fields.push('content-type', 'application/grpc', 'te', 'trailers');
    if (random.below(4) === 0) fields.push('grpc-timeout', `${random.below(50)}m`);
    if (random.below(6) === 0) fields.push('grpc-encoding', oneOf(random, ['gzip', 'br', '']));
    if (random.below(8) === 0) fields.push('x-bin', 'AAE=', 'cookie', 'a=b');
    if (random.below(20) === 0) fields.push('big', 'x'.repeat(random.below(40_000)));
    // A field that is missing, twice there, or in the wrong place.
    if (random.below(12) === 0) fields.splice(2 * random.below(6), 2);
    if (random.below(12) === 0) fields.push(...fields.slice(0, 2 * (1 + random.below(3))));
    return fields;
  }

  /** One HEADERS frame or several pieces, with padding and priority now and then. */
  private headers(id: number, fields: readonly string[]): void {
    const { random } = this;
    let block = this.encoder.encode(fields);
    const ends = random.below(6) === 0 ? Flag.END_STREAM : 0;
    const pieces = block.length > 16_000 ? 4 : 1 + (random.below(4) === 0 ? random.below(3) : 0);
    let type: number = FrameType.HEADERS;
    for (let i = 1; i < pieces; i++) {
      const cut = Math.min(16_000, random.below(block.length + 1));
      this.add(type, type === FrameType.HEADERS ? ends : 0, id, block.slice(0, cut));
      block = block.slice(cut);
      type = FrameType.CONTINUATION;
    }
    const flags = (type === FrameType.HEADERS ? ends : 0) | Flag.END_HEADERS;
    if (type === FrameType.HEADERS && random.below(5) === 0) {
      const padded = Buffer.concat([Uint8Array.of(3), block, new Uint8Array(3)]);
      return this.add(type, flags | Flag.PADDED, id, padded);
    }
    this.add(type, flags, id, block.slice(0, 16_384));
  }

  /** Messages, some of them wrong, cut into frames wherever it falls. */
  private body(id: number): void {
    const { random } = this;
    const parts: Uint8Array[] = [];
    for (let i = random.below(5); i >= 0; i--) {
      const size = random.below(10) === 0 ? random.below(bodyBytesMax) : random.below(200);
      const isRight = random.below(10) > 0;
      const prefix = Buffer.alloc(5);
      prefix[0] = isRight ? 0 : random.below(4);
      prefix.writeUInt32BE(isRight ? size : oddNumber(random), 1);
      parts.push(prefix, randomBytes(random, size));
    }
    let rest: Uint8Array = Buffer.concat(parts);
    while (rest.length > 0) {
      const cut = Math.min(rest.length, random.below(2) === 0 ? 16_384 : 1 + random.below(500));
      const isLast = cut === rest.length && random.below(8) > 0;
      this.add(FrameType.DATA, isLast ? Flag.END_STREAM : 0, id, rest.slice(0, cut));
      rest = rest.slice(cut);
    }
  }
}

/** An id of a stream that was opened, mostly; 0 is the connection. */
function randomId(random: Random, nextId: number): number {
  return random.below(4) === 0 ? 0 : 1 + 2 * random.below((nextId + 3) / 2);
}
