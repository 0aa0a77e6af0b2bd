import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import { utf8 } from '../../src/base/bytes.ts';
import { messagesPerTurnMax, ReadTurns } from '../../src/grpc/read-turns.ts';
import type { Handler, StreamCall } from '../../src/grpc/types.ts';
import { describeOnEngines, Fixture, unary, until } from './fixture.ts';

/** A stream with so many messages to read, which notes in which turn and order it reads them. */
class Reader {
  readonly name: string;
  private readonly turns: ReadTurns;
  private readonly log: string[];
  left: number;

  constructor(name: string, turns: ReadTurns, log: string[], left: number) {
    this.name = name;
    this.turns = turns;
    this.log = log;
    this.left = left;
  }

  readOn(): void {
    while (this.left > 0 && this.turns.mayRead(this)) {
      this.left--;
      this.log.push(this.name);
    }
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const counts = (log: readonly string[], names: readonly string[]): readonly number[] =>
  names.map((name) => log.filter((each) => each === name).length);

describe('grpc: messages of streams in one turn of the event loop', () => {
  it('are counted over all streams, and the rest comes in later turns', async () => {
    const log: string[] = [];
    const turns = new ReadTurns(100);
    const readers = ['a', 'b', 'c'].map((name) => new Reader(name, turns, log, 150));
    for (const reader of readers) reader.readOn();
    const perTurn = [log.length];
    while (readers.some(({ left }) => left > 0)) {
      log.length = 0;
      await turn();
      perTurn.push(log.length);
    }
    assert.deepEqual(perTurn, [100, 100, 100, 100, 50]);
  });

  it('are shared by the streams that wait, in the order of asking', async () => {
    const log: string[] = [];
    const turns = new ReadTurns(100);
    const flood = new Reader('flood', turns, log, 10_000);
    flood.readOn();
    const others = ['x', 'y'].map((name) => new Reader(name, turns, log, 1));
    for (const other of others) other.readOn();
    assert.deepEqual(
      counts(log, ['flood', 'x', 'y']),
      [100, 0, 0],
      'none passes the ones that wait',
    );
    log.length = 0;
    await turn();
    assert.deepEqual(counts(log, ['flood', 'x', 'y']), [98, 1, 1]);
    assert.equal(log.indexOf('x'), 32, 'the flood makes way after its share');
  });

  it('are not counted where a server sets no bound', () => {
    const log: string[] = [];
    const reader = new Reader('peer', new ReadTurns(Number.POSITIVE_INFINITY), log, 100_000);
    reader.readOn();
    assert.equal(log.length, 100_000);
  });
});

describeOnEngines('grpc: a flood of tiny messages', (engine) => {
  const streams = 4;
  const messagesEach = 25_000;
  let fixture: Fixture;
  let session: http2.ClientHttp2Session;
  afterEach(async () => {
    session.destroy();
    await fixture.stop();
  });

  it('leaves turns for unary calls, and arrives whole and in order', async () => {
    let taken = 0;
    let turnTaken = 0;
    let turnTakenMax = 0;
    let ended = 0;
    // The handlers of one turn of the loop run between two of these.
    const watchTurns = (): void => {
      turnTakenMax = Math.max(turnTakenMax, turnTaken);
      turnTaken = 0;
      if (ended < streams) setImmediate(watchTurns);
    };
    const open = (call: StreamCall) => ({
      onMessage: (): void => {
        taken++;
        turnTaken++;
      },
      onHalfClose: (): void => {
        ended++;
        call.end({ code: 0, text: '' });
      },
    });
    const takenAtCalls: number[] = [];
    const echo: Handler = {
      kind: 'unary',
      handle: (call, request) => {
        takenAtCalls.push(taken);
        call.respond(request);
      },
    };
    const sink: Handler = { kind: 'bidi', open };
    fixture = await Fixture.start({ '/t.S/Sink': sink, '/t.S/Echo': echo }, {}, { engine });
    const channel = fixture.channel();
    await unary(channel, '/t.S/Echo', utf8('opens the connection'));
    takenAtCalls.length = 0;

    session = http2.connect(`http://${fixture.address}`);
    const headers = { ':method': 'POST', ':path': '/t.S/Sink', 'content-type': 'application/grpc' };
    for (let i = 0; i < streams; i++) {
      session
        .request(headers)
        .resume()
        .end(Buffer.alloc(5 * messagesEach));
    }
    watchTurns();
    await until('the flood begins', () => taken > 0);
    const isOver = (): boolean => ended === streams;
    while (!isOver()) {
      assert.equal((await unary(channel, '/t.S/Echo', utf8('beside'))).status.code, 0);
    }
    assert.equal(taken, streams * messagesEach);
    // What is left of one turn and the start of the next may fall between two looks.
    assert.ok(turnTakenMax <= 2 * messagesPerTurnMax, `${turnTakenMax} messages in one turn`);
    const between = takenAtCalls.filter((count) => count > 0 && count < taken);
    assert.ok(between.length >= 5, `${between.length} calls were served during the flood`);
  });
});
