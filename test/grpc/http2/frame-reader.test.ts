import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { concatBytes, emptyBytes, type Bytes } from '../../../src/base/bytes.ts';
import { FrameReader, type FrameSink } from '../../../src/grpc/http2/frame-reader.ts';
import {
  clientPreface,
  Flag,
  frameBytesMax,
  FrameType,
  type FrameHead,
} from '../../../src/grpc/http2/frames.ts';
import { frame } from './raw-peer.ts';

/** A frame as it was sent, or as it was read: DATA without its padding, its pieces joined. */
interface Whole {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly body: Bytes;
  readonly paddingBytes: number;
}

class Collector implements FrameSink {
  isOver = false;
  readonly wholes: Whole[] = [];
  private pieces: Bytes[] = [];
  private padding = 0;
  private head = { type: 0, flags: 0, streamId: 0 };

  onFrame(head: FrameHead, bytes: Bytes, start: number, end: number): void {
    assert.equal(end - start, head.length);
    const { type, flags, streamId } = head;
    this.wholes.push({ type, flags, streamId, body: bytes.slice(start, end), paddingBytes: 0 });
  }

  onDataBegin({ type, flags, streamId }: FrameHead): void {
    this.head = { type, flags, streamId };
    this.pieces = [];
    this.padding = 0;
  }

  onDataPiece(piece: Bytes, isFrameEnd: boolean): void {
    this.pieces.push(new Uint8Array(piece));
    if (!isFrameEnd) return;
    this.wholes.push({
      ...this.head,
      body: concatBytes(this.pieces),
      paddingBytes: this.padding,
    });
  }

  onPadding(bytes: number): void {
    this.padding += bytes;
  }

  onPrefaceError(): void {
    assert.fail('preface');
  }
  onFrameSizeError(): void {
    assert.fail('frame size');
  }
  hasTime(): boolean {
    return true;
  }
  onPaddingError(): void {
    assert.fail('padding');
  }
}

const frames = fc.record({
  type: fc.integer({ min: 0, max: 12 }),
  flags: fc.integer({ min: 0, max: 255 }).map((flags) => flags & ~Flag.PADDED),
  streamId: fc.integer({ min: 0, max: 0x7fff_ffff }),
  body: fc.uint8Array({ maxLength: 300 }),
  padLength: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
});

describe('the frame reader', () => {
  it('reads the same frames wherever the chunks are cut', () => {
    fc.assert(
      fc.property(
        fc.array(frames, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 }),
        (sent, cuts) => {
          const expected: Whole[] = [];
          const parts: Bytes[] = [clientPreface];
          for (const { type, flags, streamId, body, padLength } of sent) {
            const isPadded = type === FrameType.DATA && padLength !== undefined;
            const allFlags = isPadded ? flags | Flag.PADDED : flags;
            const paddingBytes = isPadded ? padLength + 1 : 0;
            const payload = isPadded ? [padLength, ...body, ...new Uint8Array(padLength)] : body;
            parts.push(frame(type, allFlags, streamId, payload));
            expected.push({ type, flags: allFlags, streamId, body, paddingBytes });
          }
          const all = concatBytes(parts);
          const collector = new Collector();
          const reader = new FrameReader(collector, true);
          for (let at = 0, i = 0; at < all.length; i++) {
            const end = Math.min(all.length, at + (cuts[i % cuts.length] ?? 1));
            reader.read(all.subarray(at, end));
            at = end;
          }
          assert.deepEqual(collector.wholes, expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('hands DATA that lies within a chunk on as a view of it', () => {
    const views: Bytes[] = [];
    const collector = new Collector();
    collector.onDataPiece = (piece) => views.push(piece);
    const chunk = frame(FrameType.DATA, 0, 1, new Uint8Array(frameBytesMax));
    new FrameReader(collector, false).read(chunk);
    assert.equal(views.length, 1);
    assert.equal(views[0]?.buffer, chunk.buffer);
    assert.equal(views[0]?.length, frameBytesMax);
  });

  it('stops where its owner has heard enough', () => {
    const collector = new Collector();
    collector.onFrame = () => void (collector.isOver = true);
    let frameCount = 0;
    collector.onDataBegin = () => void frameCount++;
    const ping = frame(FrameType.PING, 0, 0, new Uint8Array(8));
    const bytes = concatBytes([ping, frame(FrameType.DATA, 0, 1, emptyBytes)]);
    new FrameReader(collector, false).read(bytes);
    assert.equal(frameCount, 0);
  });
});
