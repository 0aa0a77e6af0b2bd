import { ensureEtcd } from '../../test/interop/toolchain.ts';
import { etcd } from '../../test/members/programs.ts';
import type { Db } from './types.ts';

/** A real etcd 3.7, the control: what fails there as well is a fault of the harness, or of both. */
export const etcdDb: Db = {
  target: 'etcd',
  program: etcd,
  flags: [],
  usesLibc: false,
  // A member that was removed ends with a fatal line of one of these texts, the other one where it had not joined yet.
  alarm:
    /"level":"(fatal|panic|dpanic)"(?!.*("server is stopping"|error validating peerURLs))|^panic: |^fatal error: /,
  snapshotSent: /"msg":"sent database snapshot".*"remote-peer-id":"([0-9a-f]+)"/,
  prepare: ensureEtcd,
};
