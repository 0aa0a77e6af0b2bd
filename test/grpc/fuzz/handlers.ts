import type { Bytes } from '../../../src/base/bytes.ts';
import type {
  Handler,
  Handlers,
  ServerCall,
  StreamCall,
  UnaryCall,
} from '../../../src/grpc/types.ts';

/** Handlers of every kind, and the count of calls that they have begun and that are not over. */
export class FuzzHandlers {
  readonly byPath: Handlers;
  private readonly open = new Set<ServerCall>();

  constructor() {
    this.byPath = new Map<string, Handler>([
      ['/t.S/Echo', { kind: 'unary', handle: (call, request) => this.echo(call, request) }],
      ['/t.S/Hang', { kind: 'unary', handle: (call) => this.began(call) }],
      ['/t.S/Later', { kind: 'unary', handle: (call) => this.later(call) }],
      ['/t.S/Large', { kind: 'unary', handle: (call) => this.large(call) }],
      ['/t.S/Flood', { kind: 'serverStream', handle: (call) => this.flood(call) }],
      ['/t.S/Bidi', { kind: 'bidi', open: (call) => this.bidi(call) }],
      ['/t.S/Slow', { kind: 'bidi', open: (call) => this.slow(call) }],
      ['/t.S/Deaf', { kind: 'bidi', open: (call) => this.deaf(call) }],
    ]);
  }

  /** Calls that were neither ended by a handler nor cancelled. */
  get openCalls(): number {
    return this.open.size;
  }

  private began(call: ServerCall): void {
    this.open.add(call);
    call.onCancelled(() => this.open.delete(call));
  }

  private end(call: ServerCall, code = 0): void {
    if (this.open.delete(call)) call.end({ code, text: code === 0 ? '' : 'no \u00e9 %' });
  }

  private echo(call: UnaryCall, request: Bytes): void {
    call.respond(request);
  }

  private later(call: UnaryCall): void {
    this.began(call);
    setTimeout(() => {
      if (this.open.delete(call)) call.respond(new Uint8Array(100));
    }, 3);
  }

  private large(call: UnaryCall): void {
    const piece = new Uint8Array(10_000);
    let left = 20;
    call.respondFrom({
      totalBytes: left * piece.length,
      next: () => (left-- > 0 ? piece : undefined),
      close: () => undefined,
    });
  }

  private flood(call: StreamCall): void {
    this.began(call);
    let left = 50;
    const pump = (): void => {
      while (left > 0 && this.open.has(call)) {
        left--;
        if (!call.send(new Uint8Array(5000), new Uint8Array(3000))) return;
      }
      this.end(call);
    };
    call.onDrain(pump);
    pump();
  }

  private bidi(call: StreamCall) {
    this.began(call);
    return {
      onMessage: (message: Bytes) => void call.send(message),
      onHalfClose: () => this.end(call),
    };
  }

  /** Reads one message at a time, with a pause after each. */
  private slow(call: StreamCall) {
    this.began(call);
    const onMessage = (): void => {
      call.pause();
      setTimeout(() => {
        if (this.open.has(call)) call.resume();
      }, 1);
    };
    return { onMessage, onHalfClose: () => this.end(call, 9) };
  }

  /** Ends at the first message, whatever follows. */
  private deaf(call: StreamCall) {
    this.began(call);
    return { onMessage: () => this.end(call, 3), onHalfClose: () => this.end(call) };
  }
}

export const paths: readonly [string, ...string[]] = [
  '/t.S/Echo',
  '/t.S/Hang',
  '/t.S/Later',
  '/t.S/Large',
  '/t.S/Flood',
  '/t.S/Bidi',
  '/t.S/Slow',
  '/t.S/Deaf',
];
