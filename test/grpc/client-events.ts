import type { Bytes } from '../../src/base/bytes.ts';
import type { ClientStreamEvents, Status } from '../../src/grpc/types.ts';

/** Keeps what a stream hears. `onMessage` is told how many messages have come. */
export function recordEvents(
  hooks: { readonly onMessage?: (count: number) => unknown; readonly onDrain?: () => void } = {},
): ClientStreamEvents & { readonly messages: Bytes[]; readonly ends: Status[] } {
  const messages: Bytes[] = [];
  const ends: Status[] = [];
  return {
    messages,
    ends,
    onMessage: (message) => {
      messages.push(message);
      hooks.onMessage?.(messages.length);
    },
    onDrain: () => hooks.onDrain?.(),
    onEnd: (status) => void ends.push(status),
  };
}
