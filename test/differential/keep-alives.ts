import { isDeepStrictEqual } from 'node:util';
import type { WireObject } from '../members/protocol.ts';
import type { RawStream, StreamEnd } from '../members/raw-stream.ts';
import type { Names } from './names.ts';
import type { KeepAliveStep } from './operation.ts';
import { inTime } from './watch-pair.ts';

/** One side's end of the long keep-alive stream. */
class KeepAliveEnd {
  readonly replies: WireObject[] = [];
  readonly stream: RawStream;
  readonly #names: Names;
  end: StreamEnd | undefined;

  constructor(stream: RawStream, names: Names) {
    this.stream = stream;
    this.#names = names;
    stream.listen(
      ({ message }) => {
        this.replies.push(this.#comparable(message));
      },
      (end) => {
        this.end = end;
      },
    );
  }

  send(lease: string): void {
    this.stream.send({ ID: this.#names.idOf(lease) });
  }

  #comparable(message: WireObject): WireObject {
    const header = message['header'] as WireObject | undefined;
    return {
      lease: this.#names.nameOf(String(message['ID'] ?? '0')),
      ttl: message['TTL'],
      revision: header?.['revision'],
      hasIds: header?.['cluster_id'] !== undefined && header['member_id'] !== undefined,
      hasTerm: header?.['raft_term'] !== undefined,
    };
  }
}

export interface KeepAliveServers {
  /** Returns when the member where the stream is has applied every write. */
  catchUp(): Promise<void>;
  openKeepAlive(): { readonly reference: RawStream; readonly subject: RawStream };
  readonly names: { readonly reference: Names; readonly subject: Names };
}

export interface KeepAliveOutcome {
  readonly what: string | undefined;
  readonly replies: { readonly reference: WireObject[]; readonly subject: WireObject[] };
}

/** The keep-alive stream on both sides; opened when it is needed. */
export class KeepAlives {
  readonly #servers: KeepAliveServers;
  #ends: readonly [reference: KeepAliveEnd, subject: KeepAliveEnd] | undefined;

  constructor(servers: KeepAliveServers) {
    this.#servers = servers;
  }

  /** The connections of one side broke. */
  drop(): void {
    for (const end of this.#ends ?? []) end.stream.cancel();
    this.#ends = undefined;
  }

  async step({ leases, afterwards }: KeepAliveStep): Promise<KeepAliveOutcome> {
    await this.#servers.catchUp();
    const ends = (this.#ends ??= this.#open());
    for (const end of ends) {
      end.replies.length = 0;
      for (const lease of leases) end.send(lease);
      if (afterwards === 'halfClose') end.stream.halfClose();
    }
    await inTime(() =>
      ends.every(({ replies, end }) =>
        afterwards === 'halfClose' ? end !== undefined : replies.length >= leases.length,
      ),
    );
    const [reference, subject] = ends;
    const replies = { reference: [...reference.replies], subject: [...subject.replies] };
    const what = this.#difference(ends, afterwards === 'halfClose');
    if (afterwards !== 'stays' || what !== undefined) this.drop();
    return { what, replies };
  }

  #difference(ends: readonly [KeepAliveEnd, KeepAliveEnd], isOver: boolean): string | undefined {
    const [reference, subject] = ends;
    if (!isDeepStrictEqual(reference.replies, subject.replies)) return 'the keep-alives';
    if (isOver && !isDeepStrictEqual(reference.end, subject.end)) return 'the end of the stream';
    if (!isOver && reference.end?.code !== subject.end?.code) return 'a stream that ended';
    return undefined;
  }

  #open(): readonly [KeepAliveEnd, KeepAliveEnd] {
    const { reference, subject } = this.#servers.openKeepAlive();
    const { names } = this.#servers;
    return [new KeepAliveEnd(reference, names.reference), new KeepAliveEnd(subject, names.subject)];
  }
}
