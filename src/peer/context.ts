import type { Random } from '../base/random.ts';
import type { Scheduler } from '../base/clock.ts';
import type { GrpcChannel } from '../grpc/types.ts';
import type { Logger } from '../host/logger.ts';
import type { MemberId } from '../raft/types.ts';
import type { PeerDirectory } from './directory.ts';
import type { knock } from './knock.ts';
import type { HelloRequest } from './messages.ts';
import type { PeerLimits } from './limits.ts';
import type { PeerMetrics } from './peer-metrics.ts';
import type { PeerIdentity, TransportEvents } from './types.ts';

/** What all streams of one member share. */
export interface PeerContext {
  readonly identity: PeerIdentity;
  readonly events: TransportEvents;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: PeerMetrics;
  readonly limits: PeerLimits;
  readonly openChannel: (address: string) => GrpcChannel;
  readonly knock: typeof knock;
  readonly directory: PeerDirectory;
  /** Why each member was refused last, as far as the log has been told. */
  readonly told: Map<MemberId, string>;
  /** Something has just come from a member. */
  heard(from: MemberId): void;
  /** A member has opened a stream to this one, so it is there to be connected to. */
  greeted(hello: HelloRequest): void;
}
