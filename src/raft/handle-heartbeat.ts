import type { Core, MessageOf } from './core.ts';

/** The leader is there. Its commit index is bounded by what this member has acknowledged to it. */
export function handleHeartbeat(core: Core, message: MessageOf<'MsgHeartbeat'>): void {
  core.log.commitTo(message.commit);
  core.send({
    type: 'MsgHeartbeatResp',
    from: core.id,
    to: message.from,
    term: core.term,
    readSequence: message.readSequence,
  });
}
