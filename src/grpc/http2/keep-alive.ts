import type { Http2Limits } from './types.ts';

/**
 * Time, for all connections together: one interval looks at each of them. Nothing is armed or disarmed as frames come
 * and go; a deadline is noticed up to `tickMs` late.
 */

const tickMs = 200;

export interface Ticking {
  onTick(nowMs: number): void;
}

const all = new Set<Ticking>();
let interval: NodeJS.Timeout | undefined;

export function startTicking(one: Ticking): void {
  all.add(one);
  // Sockets keep a process alive, not the watch over them.
  interval ??= setInterval(tickAll, tickMs).unref();
}

export function stopTicking(one: Ticking): void {
  all.delete(one);
  if (all.size > 0) return;
  clearInterval(interval);
  interval = undefined;
}

function tickAll(): void {
  const nowMs = performance.now();
  for (const one of all) one.onTick(nowMs);
}

/** Whether the other end is still there: asked by PING when nothing was heard of it for a while. */
export class KeepAlive {
  private readonly limits: NonNullable<Http2Limits['keepAlive']>;
  /** Set by whatever comes; cleared by every tick, which is when silence is measured. */
  wasHeard = false;
  private lastHeardMs: number;
  private pingedMs: number | undefined;

  constructor(limits: NonNullable<Http2Limits['keepAlive']>, nowMs: number) {
    this.limits = limits;
    this.lastHeardMs = nowMs;
  }

  /** What is to be done now. */
  tick(nowMs: number): 'nothing' | 'ping' | 'break' {
    if (this.wasHeard) {
      this.wasHeard = false;
      this.lastHeardMs = nowMs;
      this.pingedMs = undefined;
      return 'nothing';
    }
    if (this.pingedMs !== undefined) {
      return nowMs - this.pingedMs >= this.limits.timeoutMs ? 'break' : 'nothing';
    }
    if (nowMs - this.lastHeardMs < this.limits.intervalMs) return 'nothing';
    this.pingedMs = nowMs;
    return 'ping';
  }
}
