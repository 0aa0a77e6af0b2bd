import type { Scheduler, Timer } from '../../src/base/clock.ts';
import { Readiness } from '../../src/api/readiness.ts';
import { createHandlers, type ServicesOptions } from '../../src/api/services.ts';
import type { Handlers } from '../../src/grpc/types.ts';
import { createMetrics } from '../../src/host/metrics-registry.ts';
import type { Metrics } from '../../src/host/metrics.ts';
import type { Member } from '../../src/server/types.ts';
import { RecordedCall, type Answer } from './caller.ts';

/** The services of one member under test, with time that stands still unless the test moves it. */
export interface Services<M extends Member> {
  readonly member: M;
  readonly handlers: Handlers;
  readonly metrics: Metrics;
  readonly scheduler: ManualScheduler;
}

export function servicesOf<M extends Member>(
  member: M,
  more: Partial<ServicesOptions> = {},
): Services<M> {
  const metrics = createMetrics();
  const scheduler = new ManualScheduler();
  const limits = { requestBytesMax: 1.5 * 1024 * 1024, txnOpsMax: 128 };
  const readiness = new Readiness();
  readiness.markReady();
  const options = {
    member,
    metrics,
    scheduler,
    limits,
    electionTimeoutMs: 1000,
    readiness,
    ...more,
  };
  return { member, metrics, scheduler, handlers: createHandlers(options) };
}

/** Starts a call that the test goes on with: its answer is there once the handler has given it. */
export function start(
  { handlers }: Pick<Services<Member>, 'handlers'>,
  path: string,
  request: Uint8Array,
  metadata: Readonly<Record<string, string>> = {},
): RecordedCall {
  const handler = handlers.get(path);
  if (handler === undefined) throw new Error(`no handler for ${path}`);
  const call = new RecordedCall(path, metadata, undefined, () => undefined);
  if (handler.kind === 'bidi') handler.open(call).onMessage(request);
  else handler.handle(call, request);
  return call;
}

/** A call that is answered before it returns. */
export function answerOf(...parameters: Parameters<typeof start>): Answer {
  const { answer, path } = start(...parameters);
  if (answer === undefined) throw new Error(`${path} was not answered`);
  return answer;
}

export class ManualScheduler implements Scheduler {
  private now = 0;
  private timers: { readonly at: number; readonly callback: () => void }[] = [];

  nowMs(): number {
    return this.now;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { at: this.now + delayMs, callback };
    this.timers.push(timer);
    return { cancel: () => void (this.timers = this.timers.filter((other) => other !== timer)) };
  }

  endOfTurn(callback: () => void): void {
    callback();
  }

  get pending(): number {
    return this.timers.length;
  }

  advance(ms: number): void {
    this.now += ms;
    const due = this.timers.filter(({ at }) => at <= this.now);
    this.timers = this.timers.filter(({ at }) => at > this.now);
    for (const { callback } of due) callback();
  }
}

/** The value of one series, or undefined where there is none. */
export function sampleOf(metrics: Metrics, series: string): number | undefined {
  const line = metrics
    .render()
    .split('\n')
    .find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
