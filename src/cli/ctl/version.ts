import { utf8 } from '../../base/bytes.ts';
import { formatCtlVersion } from '../version.ts';
import type { Verb } from './verb.ts';

export const version: Verb = {
  name: 'version',
  usage: 'version',
  summary: 'Prints the version',
  flags: [],
  run: (context) => {
    context.writeOut(utf8(formatCtlVersion()));
    return Promise.resolve();
  },
};
