import { concatBytes, type Bytes } from '../base/bytes.ts';
import { errors, failed, ok } from '../wire/errors.ts';
import { LeaseLeasesResponse } from '../wire/lease.ts';
import type { Slicer } from './slicer.ts';
import type { Done } from './types.ts';

/** Sorted and encoded in one step of a slice. */
const leasesPerStep = 256;
/** Callers who wait for the next listing; each is sent a copy, a megabyte for 100,000 leases. */
const waitingCallersMax = 256;

interface Listing {
  readonly ids: Iterator<bigint>;
  readonly encoded: Bytes[];
  readonly callers: Done<Bytes>[];
  whole: Bytes | undefined;
}

/**
 * Lists all leases in slices, for there may be 100,000. One listing is under way at a time. Who asks meanwhile waits
 * for the next, together with all others who do: the one under way began before the call, and may lack what the
 * caller has just been granted.
 */
export class LeaseListings {
  private readonly slicer: Slicer;
  /** All ids as of the call, in the order in which they are to be listed. */
  private readonly open: () => Iterator<bigint>;
  private waiting: Done<Bytes>[] = [];
  private current: Listing | undefined;

  constructor(slicer: Slicer, open: () => Iterator<bigint>) {
    this.slicer = slicer;
    this.open = open;
  }

  /** Answers the `leases` of a LeaseLeasesResponse, encoded; `tooManyRequests` when too many wait already. */
  list(done: Done<Bytes>): void {
    if (this.waiting.length >= waitingCallersMax) return done(failed(errors.tooManyRequests));
    this.waiting.push(done);
    if (this.current !== undefined) return;
    this.current = this.begin();
    this.slicer.run(() => this.step());
  }

  private begin(): Listing {
    const callers = this.waiting;
    this.waiting = [];
    return { ids: this.open(), encoded: [], callers, whole: undefined };
  }

  /** A portion of the leases, and when all are there, the answer to one caller. */
  private step(): boolean {
    const listing = (this.current ??= this.begin());
    if (!encodeSome(listing)) return false;
    const { encoded, callers } = listing;
    // Messages one after the other are one message with the fields of all.
    const whole = (listing.whole ??= concatBytes(encoded));
    callers.shift()?.(ok(whole));
    if (callers.length > 0) return false;
    this.current = undefined;
    return this.waiting.length === 0;
  }
}

/** Answers true when all are encoded. */
function encodeSome({ ids, encoded }: Listing): boolean {
  const leases: { readonly id: bigint }[] = [];
  while (leases.length < leasesPerStep) {
    const next = ids.next();
    if (next.done === true) break;
    leases.push({ id: next.value });
  }
  if (leases.length > 0) encoded.push(LeaseLeasesResponse.encode({ leases }));
  return leases.length < leasesPerStep;
}
