/** Whether the member has come to serve: it knew a leader and has published itself. Set once, never unset. */
export class Readiness {
  private ready = false;
  private readonly listeners = new Set<() => void>();

  get isReady(): boolean {
    return this.ready;
  }

  /** Calls `listener` when the member becomes ready; answers how to stop waiting for it. */
  onReady(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  markReady(): void {
    this.ready = true;
    for (const listener of this.listeners) listener();
    this.listeners.clear();
  }
}
