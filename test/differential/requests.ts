import type { WireObject, WireValue } from '../members/protocol.ts';
import type { Choice } from './choice.ts';
import { attachableLease } from './lease-requests.ts';
import { someKey, someLimit, someRangeEnd, someRevision, someValue } from './values.ts';
import type { World } from './world.ts';

/** Random requests of service KV, fields by their proto names. */

/** Sets a field now and then; one left out is not on the wire at all. */
function maybe(choice: Choice, chance: number, make: () => WireValue): WireValue {
  return choice.percent(chance) ? make() : undefined;
}

const yes = (): boolean => true;

export function rangeRequest(choice: Choice, world: World): WireObject {
  const key = someKey(choice);
  const isFiltered = choice.percent(15);
  const filter = (): WireValue =>
    maybe(choice, isFiltered ? 40 : 0, () => someRevision(choice, world));
  const isSorted = choice.percent(25);
  return {
    key,
    range_end: someRangeEnd(choice, key),
    limit: maybe(choice, 35, () => someLimit(choice)),
    revision: maybe(choice, 30, () => someRevision(choice, world)),
    sort_order: maybe(choice, isSorted ? 80 : 0, () => someEnum(choice, 2)),
    sort_target: maybe(choice, isSorted ? 90 : 0, () => someEnum(choice, 4)),
    serializable: maybe(choice, 25, yes),
    keys_only: maybe(choice, 12, yes),
    count_only: maybe(choice, 10, yes),
    min_mod_revision: filter(),
    max_mod_revision: filter(),
    min_create_revision: filter(),
    max_create_revision: filter(),
  };
}

/** A number of an enum whose greatest is `greatest`; now and then one that it does not have. */
function someEnum(choice: Choice, greatest: number): number {
  return choice.percent(3)
    ? choice.of([greatest + 1, 99, -1, 2_147_483_647])
    : choice.between(0, greatest);
}

/** RangeStream refuses sorting and revision filters, so most of its requests have none. */
export function rangeStreamRequest(choice: Choice, world: World): WireObject {
  const request = rangeRequest(choice, world);
  if (choice.percent(10)) return { ...request, sort_target: 0 };
  const { key, range_end, limit, revision, serializable, keys_only, count_only } = request;
  return { key, range_end, limit, revision, serializable, keys_only, count_only };
}

export function putRequest(choice: Choice, world: World): WireObject {
  const keepsValue = choice.percent(6);
  const keepsLease = choice.percent(6);
  return {
    key: someKey(choice),
    value: maybe(choice, keepsValue ? 15 : 97, () => someValue(choice)),
    lease: maybe(choice, 12, () => attachableLease(choice, world)),
    prev_kv: maybe(choice, 20, yes),
    ignore_value: maybe(choice, keepsValue ? 100 : 0, yes),
    ignore_lease: maybe(choice, keepsLease ? 100 : 0, yes),
  };
}

export function deleteRequest(choice: Choice): WireObject {
  const key = someKey(choice);
  // Wide deletions are rarer than wide reads, or nothing would ever be there.
  const isWide = choice.percent(40);
  return {
    key,
    range_end: isWide ? someRangeEnd(choice, key) : undefined,
    prev_kv: maybe(choice, 30, yes),
  };
}

export function compactRequest(choice: Choice, world: World): WireObject {
  const { revision, compacted } = world;
  const step = Math.max(1, Math.ceil((revision - compacted) / 3));
  const at = choice.weighted<string>([
    [10, () => String(Math.min(revision, compacted + choice.between(1, step)))],
    [2, () => String(revision)],
    [3, () => someRevision(choice, world)],
  ]);
  return {
    revision: world.compactable(at),
    physical: maybe(choice, 50, yes),
  };
}

export function hashKvRequest(choice: Choice, world: World): WireObject {
  const { revision, compacted, compactions } = world;
  const at = choice.weighted<number>([
    [4, () => 0],
    [4, () => choice.between(Math.max(0, compacted), revision)],
    [1, () => revision + choice.between(0, 2)],
    [1, () => Math.max(0, compacted - 1)],
    [2, () => (compactions.length === 0 ? 0 : choice.of(compactions.slice(-12)))],
  ]);
  return { revision: String(world.isHashCertain(at) ? at : 0) };
}
