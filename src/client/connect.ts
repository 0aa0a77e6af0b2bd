import { openGrpcJsChannel } from '../grpc/grpc-js-channel.ts';
import type { ClientOptions } from './client.ts';
import { probeAddress } from './endpoint.ts';

/** The longest pause between two attempts of a channel to connect again. */
const reconnectMaxMs = 1000;

/** How clients connect, outside of tests: over grpc-js, to what accepts a TCP or Unix connection. */
export const overGrpcJs: Pick<ClientOptions, 'openChannel' | 'probe'> = {
  openChannel: (address) => openGrpcJsChannel({ addresses: [address], reconnectMaxMs }),
  probe: probeAddress,
};
