import { ResponseHeader } from './header.ts';
import { bytes, int64, int64Id, message, nested, rawNested, type MessageOf } from './message.ts';

/** The messages of service v3electionpb.Election. Field numbers are etcd's (server/etcdserver/api/v3election). */

/** What a leader shows to prove that it still is the one that was elected. */
export const LeaderKey = message('v3electionpb.LeaderKey', {
  name: bytes(1),
  key: bytes(2),
  /** Create revision of the key. */
  revision: int64(3),
  lease: int64Id(4),
});
export type LeaderKey = MessageOf<typeof LeaderKey>;

export const CampaignRequest = message('v3electionpb.CampaignRequest', {
  name: bytes(1),
  lease: int64Id(2),
  value: bytes(3),
});
export type CampaignRequest = MessageOf<typeof CampaignRequest>;

export const CampaignResponse = message('v3electionpb.CampaignResponse', {
  header: nested(1, ResponseHeader),
  leader: nested(2, LeaderKey),
});
export type CampaignResponse = MessageOf<typeof CampaignResponse>;

export const LeaderRequest = message('v3electionpb.LeaderRequest', { name: bytes(1) });
export type LeaderRequest = MessageOf<typeof LeaderRequest>;

/** The key-value is left encoded, as the store has it. */
export const LeaderResponse = message('v3electionpb.LeaderResponse', {
  header: nested(1, ResponseHeader),
  kv: rawNested(2),
});
export type LeaderResponse = MessageOf<typeof LeaderResponse>;

export const ProclaimRequest = message('v3electionpb.ProclaimRequest', {
  leader: nested(1, LeaderKey),
  value: bytes(2),
});
export type ProclaimRequest = MessageOf<typeof ProclaimRequest>;

export const ProclaimResponse = message('v3electionpb.ProclaimResponse', {
  header: nested(1, ResponseHeader),
});
export type ProclaimResponse = MessageOf<typeof ProclaimResponse>;

export const ResignRequest = message('v3electionpb.ResignRequest', {
  leader: nested(1, LeaderKey),
});
export type ResignRequest = MessageOf<typeof ResignRequest>;

export const ResignResponse = message('v3electionpb.ResignResponse', {
  header: nested(1, ResponseHeader),
});
export type ResignResponse = MessageOf<typeof ResignResponse>;
