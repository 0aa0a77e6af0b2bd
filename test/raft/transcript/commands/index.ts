import { campaign } from './campaign.ts';
import { bootstrap, join, members } from './members.ts';
import { cut, deliver, heal, isolate, reportSnapshot, reportUnreachable } from './network.ts';
import { propose, proposeConf } from './propose.ts';
import { read } from './read.ts';
import { settle, stabilize } from './stabilize.ts';
import { status, store } from './status.ts';
import { append, apply, commitStore, compact, crash, log, ready } from './storage.ts';
import { tick } from './tick.ts';
import { transfer } from './transfer.ts';
import type { Handler } from '../env.ts';

/** Every command a transcript may use. */
export const commands: Readonly<Record<string, Handler>> = {
  append,
  apply,
  bootstrap,
  campaign,
  'commit-store': commitStore,
  compact,
  crash,
  cut,
  deliver,
  heal,
  isolate,
  join,
  log,
  members,
  propose,
  'propose-conf': proposeConf,
  read,
  ready,
  'report-snapshot': reportSnapshot,
  'report-unreachable': reportUnreachable,
  settle,
  stabilize,
  status,
  store,
  tick,
  transfer,
};
