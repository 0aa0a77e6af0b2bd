import type { Timer } from '../base/clock.ts';
import type { PeerContext } from './context.ts';
import { parsePeerUrl } from './peer-url.ts';

/**
 * Pauses before each look. A process that is killed ends its links and closes its port in the same moment, though not
 * in a known order; one that is started again soon opens it again.
 */
const pausesMs = [0, 10, 20, 40, 80];
const answerTimeoutMs = 200;

export interface EndWatchOptions {
  readonly context: PeerContext;
  /** Where the link stood that has broken. */
  readonly peerUrl: string;
  /** The member has shown itself to be alive: a link from it or to it stands. */
  readonly isAlive: () => boolean;
  /** Nothing listens there any more. */
  readonly ended: () => void;
}

/** Looks, right after a link has broken, whether it is for the end of the process at its other side. */
export class EndWatch {
  private readonly options: EndWatchOptions;
  private timer: Timer | undefined;
  private looks = 0;
  private isStopped = false;

  constructor(options: EndWatchOptions) {
    this.options = options;
  }

  start(): void {
    const pauseMs = pausesMs[this.looks++];
    if (pauseMs === undefined) return;
    this.timer = this.options.context.scheduler.after(pauseMs, () => this.look());
  }

  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
  }

  private look(): void {
    const { context, peerUrl, isAlive, ended } = this.options;
    const target = parsePeerUrl(peerUrl);
    if (!target.ok) return;
    context.knock(target.address, answerTimeoutMs, (answer) => {
      if (this.isStopped) return;
      if (answer === 'refused' && !isAlive()) ended();
      else this.start();
    });
  }
}
