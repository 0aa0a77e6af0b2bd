import type { Nemesis } from './types.ts';

export const none: Nemesis = {
  name: 'none',
  about: 'nothing goes wrong',
  faults: [],
  atOnceMax: 0,
  targets: ['quorate', 'etcd'],
};
