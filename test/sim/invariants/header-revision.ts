import { must, type Property } from './property.ts';
import type { Sight } from './sight.ts';

const name = 'I18 the revision is kept over restarts';

interface Kept {
  readonly revision: number;
  readonly compactRevision: number;
  readonly appliedIndex: number;
}

/**
 * A member begins where its disk was: what its store had as durable is there again. What it had applied above that
 * comes back from the log, so that it may show an older revision for a moment, as etcd does.
 */
export class HeaderRevision implements Property {
  readonly name = name;
  readonly on = ['store'] as const;
  /** By the data dir. */
  private readonly kept = new Map<bigint, Kept>();

  judge({ id, incarnation, store, now, isNew }: Sight): void {
    const { state } = store;
    if (state === undefined) return;
    const last = this.kept.get(incarnation);
    if (last === state) return;
    this.kept.set(incarnation, state);
    must(
      now.isInstalling || now.revision >= state.revision,
      name,
      () => `${id} shows revision ${now.revision}, its store has ${state.revision}`,
    );
    if (last === undefined) return;
    must(
      state.revision >= last.revision &&
        state.compactRevision >= last.compactRevision &&
        state.appliedIndex >= last.appliedIndex,
      name,
      () =>
        `the store of ${id} goes from revision ${last.revision} at ${last.appliedIndex} to ${state.revision} at ${state.appliedIndex}${isNew ? ' over a restart' : ''}`,
    );
  }
}
