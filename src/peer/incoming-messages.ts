import type { Bytes } from '../base/bytes.ts';
import type { Message } from '../raft/types.ts';
import { Code } from '../wire/errors.ts';
import { WireError } from '../wire/varint.ts';
import { describeId } from './handshake.ts';
import { Incoming } from './incoming.ts';
import {
  MessagesReply,
  MessagesRequest,
  type HelloReply,
  type HelloRequest,
  type WireQuestion,
} from './messages.ts';
import { decodeQuestion, encodeAnswer } from './questions.ts';

/** Raft messages of another member, one frame at a time. */
export class IncomingMessages extends Incoming {
  static unwrapHello(request: Bytes): HelloRequest | undefined {
    const decoded = MessagesRequest.decode(request).request;
    return decoded?.case === 'hello' ? decoded.value : undefined;
  }

  static wrapHello(value: HelloReply): Bytes {
    return MessagesReply.encode({ reply: { case: 'hello', value } });
  }

  protected receive(message: Bytes): void {
    const { request } = MessagesRequest.decode(message);
    switch (request?.case) {
      case 'batch':
        return this.receiveBatch(request.value.messages);
      case 'ping':
        this.call.send(MessagesReply.encode({ reply: { case: 'pong', value: request.value } }));
        return;
      case 'question':
        return this.receiveQuestion(request.value);
      case 'hello':
        throw new WireError('peer: a second hello');
      case undefined:
        // A request of a kind that a later version knows is none for this one.
        return;
    }
  }

  protected receiveEnd(): void {
    this.end(Code.OK, '');
  }

  protected closed(): void {
    // What had been received has been handed over; nothing is left behind.
  }

  private receiveQuestion(wire: WireQuestion): void {
    this.context.events.asked(this.from, decodeQuestion(wire), (outcome) => {
      if (!this.isClosed) this.call.send(encodeAnswer(wire.sequence, outcome));
    });
  }

  private receiveBatch(messages: readonly Message[]): void {
    for (const { from, to, type } of messages) {
      if (from !== this.from || to !== this.context.identity.memberId || type === 'MsgSnap') {
        throw new WireError(
          `peer: ${type} from ${describeId(from)} to ${describeId(to)} on a stream of ${describeId(this.from)}`,
        );
      }
    }
    if (messages.length > 0) this.context.events.received(messages);
  }
}
