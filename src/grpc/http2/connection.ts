import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { assert } from '../../base/assert.ts';
import { concatBytes, emptyBytes, type Bytes } from '../../base/bytes.ts';
import { copyOf } from '../bytes.ts';
import { createHeaderEncoder } from '../hpack/encoder.ts';
import type { HeaderEncoder, HeaderList } from '../hpack/types.ts';
import { BackPressure, streamShare } from './back-pressure.ts';
import { ControlFrames } from './control-frames.ts';
import type { ConnectionCore } from './core.ts';
import { DataFrames } from './data-frames.ts';
import { Deadlines, defaultTimeouts, failures, type Http2Timeouts } from './deadlines.ts';
import { FloodGauge, provokedResets, unreadRepliesMax } from './floods.ts';
import { ReceiveWindows } from './flow-control.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import {
  clientPreface,
  FrameType,
  initialWindowBytes,
  streamIdMax,
  type FrameHead,
} from './frames.ts';
import { GoAways } from './goaway.ts';
import { HeaderFrames } from './header-frames.ts';
import { KeepAlive, startTicking, stopTicking, type Ticking } from './keep-alive.ts';
import { Output } from './output.ts';
import { commonNameOf, remoteAddressOf } from './peer-identity.ts';
import { describeErrorCode } from './reset-codes.ts';
import { Sender, socketBytesMax } from './sender.ts';
import { sendSettings, type PeerSettings } from './settings.ts';
import { receiveFrom } from './socket-reads.ts';
import { StreamTable } from './stream-table.ts';
import { Stream } from './stream.ts';
import {
  hasTimeToRead,
  restUntilLater,
  scheduleFlush,
  scheduleGoOn,
  type RestTaker,
  type TurnTaker,
} from './turns.ts';
import {
  ErrorCode,
  type Http2Connection,
  type Http2ConnectionEvents,
  type Http2Limits,
  type Http2Stream,
  type Http2StreamListener,
} from './types.ts';

export interface Http2ConnectionOptions {
  readonly role: 'server' | 'client';
  readonly limits: Http2Limits;
  readonly events: Http2ConnectionEvents;
  readonly timeouts?: Partial<Http2Timeouts>;
}

/**
 * Speaks HTTP/2 on a socket, which it takes over. Bytes that were read already must have been put back (`unshift`); a
 * server reads the client's preface itself. The socket may still be connecting.
 */
export function openHttp2Connection(
  socket: Duplex,
  options: Http2ConnectionOptions,
): Http2Connection {
  const connection = new Connection(socket, options);
  connection.start();
  return connection;
}

/** Takes frames from the socket to the parts that know them, and keeps the life of the whole. */
class Connection implements ConnectionCore, FrameSink, TurnTaker, RestTaker, Ticking {
  readonly isServer: boolean;
  readonly limits: Http2Limits;
  readonly events: Http2ConnectionEvents;
  readonly remoteAddress: string;
  readonly encoder: HeaderEncoder = createHeaderEncoder();
  readonly peer: PeerSettings;
  readonly output: Output;
  readonly sender: Sender;
  readonly receive: ReceiveWindows;
  readonly streams = new StreamTable();
  readonly provoked = new FloodGauge(provokedResets);
  isOver = false;
  private readonly socket: Duplex;
  private readonly reader: FrameReader;
  private readonly headerFrames: HeaderFrames;
  private readonly dataFrames: DataFrames;
  private readonly control: ControlFrames;
  private readonly goAways: GoAways;
  private readonly backPressure: BackPressure;
  private readonly deadlines: Deadlines;
  private readonly keepAlive: KeepAlive | undefined;
  private closed: Stream[] = [];
  private isFlushDue = false;
  private isGoOnDue = false;
  /** Client: the other end may allow streams that it did not, or one has ended. */
  private isRoomDue = false;
  /** What the socket held when the end of the connection was last waited for. */
  private lingeringBytes = Number.POSITIVE_INFINITY;
  private unreadReplies = 0;
  private endReason: string | undefined;
  private commonName: string | undefined;
  /** What has come and this turn had no time to read, or there is no room for its answers. */
  private unread: Bytes | undefined;
  private isReadOnDue = false;

  constructor(socket: Duplex, { role, limits, events, timeouts }: Http2ConnectionOptions) {
    this.socket = socket;
    this.isServer = role === 'server';
    this.limits = limits;
    this.events = events;
    this.remoteAddress = remoteAddressOf(socket);
    // Until a server has spoken, it allows nothing; what a client allows is of no use to a server.
    this.peer = { concurrentStreamsMax: Number.POSITIVE_INFINITY, initialWindowBytes };
    this.output = new Output(socket, () => this.onWritten());
    this.sender = new Sender({
      output: this.output,
      encoder: this.encoder,
      streamShareBytes: limits.unsentBytesMax * streamShare,
      onLocalEnd: (stream) => this.onLocalEnd(stream),
    });
    this.receive = new ReceiveWindows(this.output, {
      streamBytes: limits.streamWindowBytes,
      connectionBytes: limits.connectionWindowBytes,
    });
    const { output, sender } = this;
    const { unsentBytesMax } = limits;
    this.backPressure = new BackPressure({ socket, output, sender, unsentBytesMax });
    this.reader = new FrameReader(this, this.isServer);
    this.headerFrames = new HeaderFrames(this);
    this.dataFrames = new DataFrames(this);
    this.goAways = new GoAways(this);
    this.control = new ControlFrames(this, {
      onSettings: (isFirst) => this.onSettings(isFirst),
      onSettingsAck: () => this.onSettingsAck(),
      onDrainPingAck: () => this.tellLast(),
      onGoAway: (lastId, code, text) => {
        // A client that goes opens no more streams; those that it has open go on.
        if (!this.isServer) this.goAways.receive(lastId, code, text);
      },
    });
    this.deadlines = new Deadlines({ ...defaultTimeouts, ...timeouts });
    this.keepAlive =
      limits.keepAlive === undefined
        ? undefined
        : new KeepAlive(limits.keepAlive, performance.now());
  }

  start(): void {
    const { socket, output } = this;
    if (!this.isServer) output.copy(clientPreface, 0, clientPreface.length);
    sendSettings(output, this.limits, this.isServer);
    this.receive.open();
    this.deadlines.start('settingsMs');
    this.deadlines.start('settingsAckMs');
    startTicking(this);
    if (socket instanceof TLSSocket) socket.disableRenegotiation(); // Section 9.2.1.
    socket.on('end', () => this.finish('the other end closed the connection'));
    socket.on('error', (error: Error) => this.abandon(error.message));
    socket.on('close', () => this.onSocketClosed());
    receiveFrom(socket, (chunk) => this.onChunk(chunk));
    this.wantFlush();
    // One that was closed before it came here says so no more.
    if (socket.closed) process.nextTick(() => this.onSocketClosed());
  }

  // What the owner asks for.

  get openStreams(): number {
    return this.streams.size;
  }

  get isDraining(): boolean {
    return this.isOver || this.goAways.isDraining;
  }

  get closedReason(): string | undefined {
    return this.goAways.received ?? this.endReason;
  }

  get servedIdMax(): number {
    return this.goAways.servedIdMax;
  }

  get isOverfull(): boolean {
    return this.backPressure.isOverfull;
  }

  get peerCommonName(): string | undefined {
    // Decoding a certificate takes long, and what a handshake has shown does not change.
    this.commonName ??= commonNameOf(this.socket);
    return this.commonName;
  }

  open(fields: HeaderList, isEnd: boolean, listener: Http2StreamListener): Http2Stream | undefined {
    assert(!this.isServer, 'a server opens no streams');
    if (this.isDraining || this.isOver || !this.control.hasSettings) return undefined;
    if (this.streams.size >= this.peer.concurrentStreamsMax) return undefined;
    const id = this.streams.lastId + 2;
    if (id > streamIdMax) {
      // The connection ends with the last stream that it could have.
      this.drain();
      return undefined;
    }
    const stream = new Stream(id, this, {
      receive: this.receive.streamWindow,
      send: this.peer.initialWindowBytes,
    });
    stream.listener = listener;
    this.streams.take(id);
    this.streams.add(stream);
    this.sendHeaders(stream, fields, isEnd);
    return stream;
  }

  drain(): void {
    if (this.isOver || this.isDraining) return;
    if (!this.isServer) return this.tellLast();
    this.goAways.announce();
    this.control.ping('drain');
    this.deadlines.start('drainMs');
  }

  close(code: ErrorCode, debugText = ''): void {
    const text = debugText === '' ? '' : `: ${debugText}`;
    this.end(code, debugText, `closed with ${describeErrorCode(code)}${text}`);
  }

  destroy(): void {
    this.abandon('destroyed');
  }

  // What streams ask for.

  sendHeaders(stream: Stream, fields: HeaderList, isEnd: boolean): void {
    if (stream.isClosed) return;
    this.sender.sendHeaders(stream, fields, isEnd);
    this.wantFlush();
  }

  write(stream: Stream, bytes: Bytes, isEnd: boolean): boolean {
    if (stream.isClosed) return true;
    this.sender.write(stream, bytes, isEnd);
    this.wantFlush();
    return this.backPressure.hasRoom(stream);
  }

  writeSmall(stream: Stream, parts: readonly Bytes[]): boolean {
    if (stream.isClosed) return true;
    this.sender.writeSmall(stream, parts);
    this.wantFlush();
    return this.backPressure.hasRoom(stream);
  }

  mayHold(bytes: number): boolean {
    return this.backPressure.mayHold(bytes);
  }

  consumed(stream: Stream, bytes: number): void {
    if (stream.isClosed || stream.isResetQueued) return;
    assert(bytes >= 0 && bytes <= stream.heldBytes, 'more bytes consumed than were received');
    stream.heldBytes -= bytes;
    this.receive.giveBackOf(stream, bytes);
    if (this.receive.isDue) this.wantFlush();
  }

  reset(stream: Stream, code: ErrorCode): void {
    if (stream.isClosed) return;
    if (code === ErrorCode.NO_ERROR && stream.isEndQueued) {
      // Its answer goes out whole; only what still comes is of no interest any more.
      stream.isResetQueued = true;
      this.receive.giveBack(stream.heldBytes);
      stream.heldBytes = 0;
      return;
    }
    this.sendReset(stream.id, code);
    this.endStream(stream);
  }

  // What the reader tells.

  onFrame(head: FrameHead, bytes: Bytes, start: number, end: number): void {
    if (!this.isInOrder(head)) return;
    switch (head.type) {
      case FrameType.HEADERS:
        return this.headerFrames.onHeaders(head, bytes, start, end);
      case FrameType.WINDOW_UPDATE:
        return this.control.onWindowUpdate(head, bytes, start);
      case FrameType.RST_STREAM:
        return this.control.onRstStream(head, bytes, start);
      case FrameType.PING:
        return this.control.onPing(head, bytes, start);
      case FrameType.SETTINGS:
        return this.control.onSettings(head, bytes.subarray(start, end));
      case FrameType.CONTINUATION:
        return this.headerFrames.onContinuation(head, bytes, start, end);
      case FrameType.PRIORITY:
        return this.control.onPriority(head, bytes, start);
      case FrameType.GOAWAY:
        return this.control.onGoAway(head, bytes.subarray(start, end));
      case FrameType.PUSH_PROMISE:
        // A client may not send it, and we have told servers not to.
        return this.fail(ErrorCode.PROTOCOL_ERROR, 'PUSH_PROMISE');
      default:
        return this.control.onIgnored();
    }
  }

  onDataBegin(head: FrameHead): void {
    if (this.isInOrder(head)) this.dataFrames.begin(head);
  }

  onDataPiece(piece: Bytes, isFrameEnd: boolean): void {
    if (!this.isOver) this.dataFrames.piece(piece, isFrameEnd);
  }

  onPadding(bytes: number): void {
    if (!this.isOver) this.dataFrames.padding(bytes);
  }

  onPrefaceError(): void {
    this.fail(ErrorCode.PROTOCOL_ERROR, 'no HTTP/2 preface');
  }

  onFrameSizeError(head: FrameHead): void {
    if (this.isInOrder(head)) this.fail(ErrorCode.FRAME_SIZE_ERROR, 'a frame of a wrong size');
  }

  onPaddingError(): void {
    this.fail(ErrorCode.PROTOCOL_ERROR, 'more padding than payload');
  }

  /** SETTINGS come first (section 3.4), and nothing comes within a header block (section 4.3). */
  private isInOrder({ type }: FrameHead): boolean {
    if (!this.control.hasSettings && type !== FrameType.SETTINGS) {
      this.fail(ErrorCode.PROTOCOL_ERROR, 'no HTTP/2: the first frame is not SETTINGS');
      return false;
    }
    if (this.headerFrames.block.isOpen && type !== FrameType.CONTINUATION) {
      this.fail(ErrorCode.PROTOCOL_ERROR, 'a frame within a header block');
      return false;
    }
    return true;
  }

  // What control frames bring about.

  private onSettings(isFirst: boolean): void {
    if (isFirst) {
      this.deadlines.stop('settingsMs');
      if (!this.isServer) this.events.onReady();
    } else this.isRoomDue = !this.isServer;
    this.wantFlush();
  }

  private onSettingsAck(): void {
    this.deadlines.stop('settingsAckMs');
    const excess = this.receive.settle();
    if (excess === 0) return;
    this.streams.forEach((stream) => {
      stream.receiveWindow -= excess;
    });
  }

  private tellLast(): void {
    if (this.isOver) return;
    this.deadlines.stop('drainMs');
    this.goAways.tellLast();
  }

  // The ends of streams.

  private onLocalEnd(stream: Stream): void {
    if (stream.isRemoteEnded) return this.endStream(stream);
    if (!stream.isResetQueued) return;
    this.sendReset(stream.id, ErrorCode.NO_ERROR);
    this.endStream(stream);
  }

  endStream(stream: Stream): void {
    if (stream.isClosed) return;
    stream.isClosed = true;
    this.streams.remove(stream);
    this.sender.drop(stream);
    this.receive.giveBack(stream.heldBytes);
    stream.heldBytes = 0;
    this.closed.push(stream);
    this.isRoomDue = !this.isServer;
    this.wantFlush();
  }

  breakStream(stream: Stream, code: ErrorCode, isUnprocessed: boolean): void {
    if (stream.isClosed) return;
    const isSilent = stream.isResetQueued;
    this.endStream(stream);
    if (!isSilent) stream.listener.onReset(code, isUnprocessed);
  }

  failStream(streamId: number, code: ErrorCode): void {
    this.sendReset(streamId, code);
    if (this.provoked.isTooMany()) {
      return this.fail(ErrorCode.ENHANCE_YOUR_CALM, 'too many streams that had to be reset');
    }
    this.countReply();
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.breakStream(stream, code, false);
  }

  private sendReset(streamId: number, code: ErrorCode): void {
    this.streams.rememberReset(streamId, false);
    this.output.frame(4, FrameType.RST_STREAM, 0, streamId);
    this.output.uint32(code);
    this.wantFlush();
  }

  // The end of the connection.

  fail(code: ErrorCode, reason: string): void {
    this.end(code, reason, `${describeErrorCode(code)}: ${reason}`);
  }

  countReply(): void {
    this.unreadReplies++;
    if (this.unreadReplies <= unreadRepliesMax) return;
    this.fail(ErrorCode.ENHANCE_YOUR_CALM, 'too many answers that are not read');
  }

  private end(code: ErrorCode, debugText: string, reason: string): void {
    if (this.isOver) return;
    this.goAways.tell(code, debugText);
    this.finish(reason);
  }

  /** What has been gathered leaves, then the socket is closed; what still comes is read and thrown away. */
  private finish(reason: string): void {
    if (this.isOver) return;
    this.stop(reason);
    this.output.flush();
    this.socket.end();
    this.socket.resume();
    this.deadlines.startLast('lingerMs');
  }

  /** The other end has not closed its side. Last answers may take their time, as long as they get on. */
  private endLinger(): void {
    const { socketBytes } = this.output;
    const isGettingOn =
      this.goAways.isLastTold && socketBytes > 0 && socketBytes < this.lingeringBytes;
    if (!isGettingOn) return this.abandon('');
    this.lingeringBytes = socketBytes;
    this.deadlines.startLast('lingerMs');
  }

  /** The socket is broken, or is now. */
  private abandon(reason: string): void {
    if (!this.isOver) this.stop(reason);
    this.output.discard();
    this.socket.destroy();
  }

  private stop(reason: string): void {
    this.isOver = true;
    this.endReason ??= reason;
    for (const stream of this.streams.all()) {
      this.breakStream(stream, ErrorCode.CONNECT_ERROR, false);
    }
    this.tellClosed();
  }

  private onSocketClosed(): void {
    stopTicking(this);
    this.abandon('the socket was closed');
    this.events.onClosed(this.closedReason ?? '');
  }

  // Turns of the event loop.

  private onChunk(chunk: Bytes): void {
    if (this.keepAlive !== undefined) this.keepAlive.wasHeard = true;
    if (this.unread === undefined || this.isOver) this.read(chunk, false);
    // What was on its way when the socket was paused.
    else this.unread = concatBytes([this.unread, chunk]);
  }

  /** A chunk that is not ours is overwritten after this. */
  private read(chunk: Bytes, isOurs: boolean): void {
    if (this.isOver) return;
    const readBytes = this.reader.read(chunk);
    if (readBytes < chunk.length && !this.isOver) {
      this.unread = isOurs ? chunk.subarray(readBytes) : copyOf(chunk, readBytes, chunk.length);
      this.backPressure.rest();
    }
    // A client reads on whatever happens: two ends that both wait for the other to read would wait for ever.
    if (this.isServer && !this.isOver) this.backPressure.maybePause();
    this.maybeReadOnLater();
  }

  private maybeReadOnLater(): void {
    if (this.unread === undefined || this.isReadOnDue || this.backPressure.isPaused) return;
    this.isReadOnDue = true;
    restUntilLater(this);
  }

  readOn(): void {
    const { unread = emptyBytes } = this;
    this.isReadOnDue = false;
    this.unread = undefined;
    this.read(unread, true);
    if (this.unread === undefined) this.backPressure.wake();
  }

  hasTime(): boolean {
    if (!this.isServer) return true;
    if (this.backPressure.isTooMuch) return false;
    return this.limits.isTrusted === true || hasTimeToRead();
  }

  wantFlush(): void {
    if (this.isFlushDue) return;
    this.isFlushDue = true;
    scheduleFlush(this);
  }

  flush(): void {
    this.isFlushDue = false;
    if (!this.isOver) {
      this.receive.tell();
      if (this.sender.hasReady) this.sender.pump(socketBytesMax - this.output.socketBytes);
    }
    this.output.flush();
    this.backPressure.maybeResume();
    this.maybeReadOnLater();
    this.tellClosed();
    if (this.goAways.isLastTold && this.streams.size === 0) this.finish('drained');
    else if (this.output.socketBytes === 0) this.maybeGoOnLater();
  }

  /** The socket has taken a write. */
  private onWritten(): void {
    if (this.output.socketBytes === 0) this.unreadReplies = 0;
    // Who takes what we send is there: what he says meanwhile is not read.
    if (this.keepAlive !== undefined && this.backPressure.isDeaf) this.keepAlive.wasHeard = true;
    this.backPressure.maybeResume();
    this.maybeReadOnLater();
    this.maybeGoOnLater();
  }

  private maybeGoOnLater(): void {
    if (this.isGoOnDue || this.isOver) return;
    if (!this.sender.hasReady && !this.backPressure.hasNews) return;
    this.isGoOnDue = true;
    scheduleGoOn(this);
  }

  goOn(): void {
    this.isGoOnDue = false;
    if (this.isOver) return;
    this.backPressure.tellRoom();
    this.wantFlush();
  }

  private tellClosed(): void {
    const { closed } = this;
    if (closed.length > 0) {
      this.closed = [];
      for (let i = 0; i < closed.length; i++) (closed[i] as Stream).listener.onClosed();
    }
    if (!this.isRoomDue) return;
    this.isRoomDue = false;
    if (!this.isDraining) this.events.onRoom();
  }

  /** Which header block or frame has begun and is not whole; 0: none, or it is we who do not read on. */
  private ordinalOfBegun(): number {
    const { block } = this.headerFrames;
    if (this.backPressure.isDeaf) return 0;
    if (block.isOpen) return -block.ordinal;
    return this.reader.isWithinFrame ? this.reader.frames + 1 : 0;
  }

  onTick(nowMs: number): void {
    this.deadlines.watchBlock(this.ordinalOfBegun());
    const expired = this.deadlines.expired(nowMs);
    if (expired === 'drainMs') return this.tellLast();
    if (expired === 'lingerMs') return this.endLinger();
    if (expired !== undefined) {
      if (this.backPressure.isDeaf) return this.deadlines.start(expired);
      const { code, reason } = failures[expired];
      return this.fail(code, reason);
    }
    if (this.keepAlive === undefined || this.isOver) return;
    // Servers take the pings of a client that has no calls for abuse (grpc proposal A8).
    if (!this.isServer && this.streams.size === 0) this.keepAlive.wasHeard = true;
    const due = this.keepAlive.tick(nowMs);
    if (due === 'ping') this.control.ping('keepAlive');
    else if (due === 'break') this.abandon('keep-alive ping not answered');
  }
}
