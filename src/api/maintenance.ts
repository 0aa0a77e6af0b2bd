import { noMember } from '../raft/types.ts';
import type { Member } from '../server/types.ts';
import { CommandKind } from '../wire/command.ts';
import { errors } from '../wire/errors.ts';
import {
  AlarmAction,
  AlarmRequest,
  AlarmResponse,
  AlarmType,
  DefragmentRequest,
  DefragmentResponse,
  HashKVRequest,
  HashKVResponse,
  HashRequest,
  HashResponse,
  MoveLeaderRequest,
  MoveLeaderResponse,
  StatusRequest,
  StatusResponse,
  describeAlarmType,
  type AlarmMember,
} from '../wire/maintenance.ts';
import { etcdVersion, storageVersion } from '../wire/version.ts';
import type { UnaryExchange } from './exchange.ts';
import { fillHeader } from './header.ts';
import { unary, type ApiContext, type Route } from './rpc.ts';

/** etcdserverpb.Maintenance: what concerns one member rather than the keys. */
export function maintenanceRoutes(api: ApiContext): readonly Route[] {
  return [
    statusRoute(api),
    alarmRoute(api),
    hashKvRoute(api),
    hashRoute(api),
    defragmentRoute(api),
    moveLeaderRoute(api),
  ];
}

function statusRoute(api: ApiContext): Route {
  return unary(api, {
    path: '/etcdserverpb.Maintenance/Status',
    request: StatusRequest,
    isForLearners: () => true,
    handle: (exchange) => exchange.respond(StatusResponse.encode(statusOf(api.member))),
  });
}

function statusOf(member: Member): StatusResponse {
  const status = member.status();
  return {
    header: fillHeader(member),
    version: etcdVersion,
    dbSize: status.dbSize,
    leader: status.lead,
    raftIndex: status.raftIndex,
    raftTerm: status.raftTerm,
    raftAppliedIndex: status.raftAppliedIndex,
    errors: [
      ...(status.lead === noMember ? [errors.noLeader.text] : []),
      ...member.alarms().map(describeAlarm),
    ],
    dbSizeInUse: status.dbSizeInUse,
    isLearner: status.isLearner,
    storageVersion,
    dbSizeQuota: status.dbSizeQuota,
    downgradeInfo: { enabled: false, targetVersion: '' },
  };
}

/**
 * As protobuf writes an `AlarmMember` as text. Go puts one blank or two between the fields, depending on the build,
 * so that nobody relies on it.
 */
function describeAlarm({ memberId, alarm }: AlarmMember): string {
  const type = `alarm:${describeAlarmType(alarm)}`;
  return memberId === noMember ? type : `memberID:${memberId} ${type}`;
}

/** Raised and disarmed through the log; the list is read as linearizably as etcd's, which goes through its log. */
function alarmRoute(api: ApiContext): Route {
  const { member } = api;
  const list = (exchange: UnaryExchange, type: number): void => {
    const isWanted = ({ alarm }: AlarmMember): boolean => type === AlarmType.NONE || alarm === type;
    const alarms = member.alarms().filter(isWanted);
    exchange.respond(AlarmResponse.encode({ header: fillHeader(member), alarms }));
  };
  return unary(api, {
    path: '/etcdserverpb.Maintenance/Alarm',
    request: AlarmRequest,
    handle: (exchange, request) => {
      if (request.action === AlarmAction.GET) {
        return member.readIndex((outcome) => {
          if (outcome.ok) list(exchange, request.alarm);
          else exchange.fail(outcome.error);
        });
      }
      member.propose(CommandKind.alarm, AlarmRequest.encode(request), (outcome) => {
        if (!outcome.ok) return exchange.fail(outcome.error);
        // The kind of a command decides which response applying it gives.
        const { alarms } = outcome.value as AlarmResponse;
        exchange.respond(AlarmResponse.encode({ header: fillHeader(member), alarms }));
      });
    },
  });
}

function hashKvRoute(api: ApiContext): Route {
  const { member } = api;
  return unary(api, {
    path: '/etcdserverpb.Maintenance/HashKV',
    request: HashKVRequest,
    handle: (exchange, { revision }) => {
      member.hashKv(revision, (outcome) => {
        if (!outcome.ok) return exchange.fail(outcome.error);
        const { hash, compactRevision, revision: hashRevision } = outcome.value;
        const header = fillHeader(member);
        exchange.respond(HashKVResponse.encode({ header, hash, compactRevision, hashRevision }));
      });
    },
  });
}

function hashRoute(api: ApiContext): Route {
  const { member } = api;
  return unary(api, {
    path: '/etcdserverpb.Maintenance/Hash',
    request: HashRequest,
    handle: (exchange) => {
      member.hash((outcome) => {
        if (!outcome.ok) return exchange.fail(outcome.error);
        exchange.respond(HashResponse.encode({ header: fillHeader(member), hash: outcome.value }));
      });
    },
  });
}

/** Answers without a header, as etcd does. */
function defragmentRoute(api: ApiContext): Route {
  return unary(api, {
    path: '/etcdserverpb.Maintenance/Defragment',
    request: DefragmentRequest,
    handle: (exchange) => {
      api.member.defragment((outcome) => {
        if (outcome.ok) exchange.respond(DefragmentResponse.encode({}));
        else exchange.fail(outcome.error);
      });
    },
  });
}

/** The member knows whether it may hand over, and to whom. Answers without a header, as etcd does. */
function moveLeaderRoute(api: ApiContext): Route {
  return unary(api, {
    path: '/etcdserverpb.Maintenance/MoveLeader',
    request: MoveLeaderRequest,
    handle: (exchange, { targetId }) => {
      api.member.moveLeader(targetId, (outcome) => {
        if (outcome.ok) exchange.respond(MoveLeaderResponse.encode({}));
        else exchange.fail(outcome.error);
      });
    },
  });
}
