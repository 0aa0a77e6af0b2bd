/**
 * What is done to the world, as data: a schedule is a list of these, and each says all that it needs, so that any of
 * them can be left out. What lasts says how long; a member is named by its number among all that ever were, modulo
 * their count, or as whoever leads then.
 */

export type Who = number | 'leader';

/** Moments are milliseconds of the run's virtual time. */
export type SimStep = { readonly atMs: number } & Action;

export type Action =
  // Clients and operators; what they do is drawn from the seed.
  | { readonly do: 'client'; readonly seed: number }
  | { readonly do: 'wide'; readonly seed: number }
  | { readonly do: 'operate'; readonly seed: number }
  | { readonly do: 'lease'; readonly seed: number }
  | { readonly do: 'watcher'; readonly seed: number }
  | { readonly do: 'change'; readonly seed: number }
  | { readonly do: 'transfer'; readonly to: Who }
  | { readonly do: 'compact'; readonly who: Who; readonly behind: number }
  // Processes and machines.
  | {
      readonly do: 'crash';
      readonly who: Who | 'all';
      readonly downMs: number;
      /** Which share of what was not synced has reached the disk all the same. */
      readonly keepsPerMille: number;
      /** It comes when a file has been written the next time, and is not synced yet. */
      readonly isUnsynced?: boolean;
      readonly seed: number;
    }
  | { readonly do: 'stop'; readonly who: Who; readonly downMs: number }
  | { readonly do: 'pause'; readonly who: Who; readonly forMs: number }
  | { readonly do: 'clock'; readonly who: Who; readonly rate: number }
  // The network.
  | { readonly do: 'partition'; readonly sides: number; readonly forMs: number }
  | { readonly do: 'isolate'; readonly who: Who; readonly forMs: number }
  | { readonly do: 'ring'; readonly forMs: number }
  | { readonly do: 'cut'; readonly from: Who; readonly to: Who; readonly forMs: number }
  | { readonly do: 'clog'; readonly from: Who; readonly to: Who; readonly forMs: number }
  /** `to` is told that the process of another has ended, which lives. */
  | { readonly do: 'lie'; readonly about: Who; readonly to: Who | 'all' }
  | {
      readonly do: 'noise';
      readonly delayMaxMs: number;
      readonly lossPerMille: number;
      readonly doublePerMille: number;
      readonly forMs: number;
    }
  /** What arrived long ago arrives again. */
  | {
      readonly do: 'redeliver';
      readonly who: Who;
      readonly count: number;
      readonly ageMinMs: number;
      readonly seed: number;
    }
  // Disks.
  | { readonly do: 'slowDisk'; readonly who: Who; readonly maxMs: number; readonly forMs: number }
  | {
      readonly do: 'failWrite';
      readonly who: Who;
      readonly isPersisted: boolean;
      readonly isFull: boolean;
      readonly downMs: number;
    }
  | {
      readonly do: 'fullDisk';
      readonly who: Who;
      readonly freeBytes: number;
      readonly forMs: number;
    }
  /** For good: at most one member of a run loses its data. */
  | { readonly do: 'rot'; readonly who: Who; readonly seed: number }
  | { readonly do: 'wipe'; readonly who: Who };

export type ActionName = Action['do'];

/** `crash who=2 downMs=1200 keepsPerMille=500`: seeds are left out. */
export function describeStep(step: SimStep): string {
  const words = Object.entries(step)
    .filter(([name]) => name !== 'do' && name !== 'atMs' && name !== 'seed')
    .map(([name, value]) => `${name}=${String(value)}`);
  return [step.do, ...words].join(' ');
}
