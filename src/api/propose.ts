import type { AppliedResponse } from '../apply/types.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Member } from '../server/types.ts';
import type { CommandKind } from '../wire/command.ts';
import { errors } from '../wire/errors.ts';
import type { ResponseHeader } from '../wire/header.ts';
import type { Codec } from '../wire/message.ts';
import type { UnaryExchange } from './exchange.ts';
import { fillHeader } from './header.ts';
import type { ApiContext, ApiLimits } from './rpc.ts';

/** A request on its way through the log, and the answer on its way back. */

export interface Proposal<Request> {
  readonly kind: CommandKind;
  readonly codec: Codec<Request>;
  readonly request: Request;
  /** The request is not what the caller sent: it is encoded afresh. */
  readonly isChanged?: boolean;
}

/** The least that etcd's envelope adds to a replicated request: `--max-request-bytes` bounds both together. */
const envelopeBytes = 17;

export function isTooLarge({ requestBytesMax }: ApiLimits, command: Bytes): boolean {
  return command.length + envelopeBytes > requestBytesMax;
}

/**
 * Replicates the request's own bytes; encoded afresh where they hold anything unknown, which no member may
 * give a meaning of its own. A caller who is gone already is spared the write.
 */
export function propose<Request, Response extends AppliedResponse>(
  { member, limits }: ApiContext,
  exchange: UnaryExchange,
  { kind, codec, request, isChanged = false }: Proposal<Request>,
  then: (response: Response) => void,
): void {
  const { bytes, hasUnknownFields } = exchange.request;
  const command = isChanged || hasUnknownFields ? codec.encode(request) : bytes;
  if (isTooLarge(limits, command)) return exchange.fail(errors.requestTooLarge);
  if (exchange.maybeDrop()) return;
  member.propose(kind, command, (outcome) => {
    // The kind of a command decides which response applying it gives.
    if (outcome.ok) then(outcome.value as Response);
    else exchange.fail(outcome.error);
  });
}

/** Replicates a request and answers with what applying it gave. */
export function proposeAndAnswer<Request, Response extends AppliedResponse & Answer>(
  api: ApiContext,
  exchange: UnaryExchange,
  proposal: Proposal<Request>,
  codec: Codec<Response>,
): void {
  propose<Request, Response>(api, exchange, proposal, (response) =>
    answer(api.member, exchange, codec, response),
  );
}

/** Apply leaves its revision in the header, if it knows one. */
interface Answer {
  readonly header: ResponseHeader | undefined;
}

export function answer<Response extends Answer>(
  member: Member,
  exchange: UnaryExchange,
  codec: Codec<Response>,
  response: Response,
): void {
  const header = fillHeader(member, response.header);
  exchange.respond(codec.encode({ ...response, header }));
}
