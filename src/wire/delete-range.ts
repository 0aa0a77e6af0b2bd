import { ResponseHeader } from './header.ts';
import { bool, bytes, int64, message, nested, repeatedRaw, type MessageOf } from './message.ts';

export const DeleteRangeRequest = message('etcdserverpb.DeleteRangeRequest', {
  key: bytes(1),
  rangeEnd: bytes(2),
  prevKv: bool(3),
});
export type DeleteRangeRequest = MessageOf<typeof DeleteRangeRequest>;

/** `prevKvs` are encoded `mvccpb.KeyValue` messages in key order. */
export const DeleteRangeResponse = message('etcdserverpb.DeleteRangeResponse', {
  header: nested(1, ResponseHeader),
  deleted: int64(2),
  prevKvs: repeatedRaw(3),
});
export type DeleteRangeResponse = MessageOf<typeof DeleteRangeResponse>;
