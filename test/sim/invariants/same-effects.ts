import { utf8 } from '../../../src/base/bytes.ts';
import { crc32c } from '../../../src/base/crc32c.ts';
import { must, type Property } from './property.ts';
import type { Record } from './record.ts';
import type { AppliedEntry } from './sight.ts';

const name = 'I22 applying is deterministic';

/** An entry writes the same rows, changes and revision on every member, and again after a restart (etcd #11651). */
export const sameEffects: Property = {
  name,
  on: ['start', 'figures', 'applied'],
  judge({ id, applied, now, isInstalled }, record) {
    for (const each of applied) mustBeSame(each, id, record);
    const effect = record.effects[now.applied];
    if (effect === undefined || isInstalled || now.isInstalling) return;
    must(
      effect.revision === now.revision,
      name,
      () => `${id} has revision ${now.revision} at ${now.applied}, right is ${effect.revision}`,
    );
  },
};

function mustBeSame(each: AppliedEntry, id: bigint, { effects }: Record): void {
  const { index, revision, compactRevision } = each;
  const known = effects[index];
  const effect = { fingerprint: fingerprintOf(each), revision, compactRevision };
  if (known === undefined) {
    effects[index] = effect;
    return;
  }
  must(
    known.fingerprint === effect.fingerprint &&
      known.revision === revision &&
      known.compactRevision === compactRevision,
    name,
    () =>
      `${id} applied ${index} to ${JSON.stringify(effect)}, another to ${JSON.stringify(known)}`,
  );
}

function fingerprintOf({ rows, changes }: AppliedEntry): number {
  let crc = 0;
  for (const { key, value } of rows) crc = crc32c(value, crc32c(key, crc));
  for (const { space, key, value } of changes) {
    crc = crc32c(key, crc32c(utf8(space), crc));
    crc = value === undefined ? ~crc : crc32c(value, crc);
  }
  return crc;
}
