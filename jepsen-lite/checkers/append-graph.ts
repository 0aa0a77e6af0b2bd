import { appendId, firstReads, type Lists, type Txn } from './append-lists.ts';
import type { Dependency } from './cycles.ts';

/** Who depends on whom: by place in the list of transactions. */
export function dependenciesOf(txns: readonly Txn[], lists: Lists): readonly Dependency[] {
  const places = new Map(txns.map((txn, place) => [txn, place]));
  const writerOf = (key: string, element: string | undefined): number | undefined => {
    if (element === undefined) return undefined;
    const append = lists.appends.get(appendId(key, element));
    return append === undefined ? undefined : places.get(append.txn);
  };
  const found: Dependency[] = [];
  const add = (
    from: number | undefined,
    to: number | undefined,
    kind: Dependency['kind'],
    why: string,
  ): void => {
    if (from !== undefined && to !== undefined && from !== to) found.push({ from, to, kind, why });
  };
  for (const [key, order] of lists.order) {
    for (let i = 1; i < order.length; i++) {
      const why = `appended ${order[i - 1]} to ${key} before ${order[i]}`;
      add(writerOf(key, order[i - 1]), writerOf(key, order[i]), 'ww', why);
    }
  }
  txns.forEach((txn, place) => {
    if (txn.operation.outcome !== 'ok') return;
    for (const [key, list] of firstReads(txn.actions)) {
      const last = list.at(-1);
      add(writerOf(key, last), place, 'wr', `appended ${last} to ${key}, which was seen`);
      const next = lists.order.get(key)?.[list.length];
      add(place, writerOf(key, next), 'rw', `did not see ${next} in ${key}`);
    }
  });
  return found;
}
