import { behind } from './behind.ts';
import { clock, monotonic } from './clock.ts';
import { compact } from './compact.ts';
import { deaf } from './deaf.ts';
import { disk, stuck } from './disk.ts';
import { kill } from './kill.ts';
import { leader } from './leader.ts';
import { members } from './members.ts';
import { none } from './none.ts';
import { partition } from './partition.ts';
import { pause } from './pause.ts';
import { amnesia, liar, power } from './power.ts';
import { slow } from './slow.ts';
import type { Nemesis } from './types.ts';

const onLinks: readonly Nemesis[] = [partition, deaf, slow];
const anywhere: readonly Nemesis[] = [kill, pause, ...onLinks, members, compact, behind, leader];
const throughLibc: readonly Nemesis[] = [clock, disk, stuck, power];

function mixOf(name: string, about: string, parts: readonly Nemesis[]): Nemesis {
  return {
    name,
    about,
    faults: parts.flatMap(({ faults }) => faults),
    atOnceMax: 2,
    targets: parts.some(({ targets }) => !targets.includes('etcd'))
      ? ['quorate']
      : ['quorate', 'etcd'],
    needs: parts.flatMap(({ needs = [] }) => needs),
  };
}

export const nemeses: readonly Nemesis[] = [
  none,
  ...anywhere,
  ...throughLibc,
  monotonic,
  mixOf(
    'mix',
    'faults of kill, pause, partition, deaf, slow, members, compact, behind and leader',
    anywhere,
  ),
  mixOf('mix-all', 'the same with clock, disk and power', [...anywhere, ...throughLibc]),
  liar,
  amnesia,
];
