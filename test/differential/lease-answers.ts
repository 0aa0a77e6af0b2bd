import { isDeepStrictEqual } from 'node:util';
import type { WireObject, WireValue } from '../members/protocol.ts';
import type { Names } from './names.ts';
import type { Call, HandEncoded } from './operation.ts';
import type { Sides } from './sides.ts';

/** Answers about leases, alarms and status: ids by their names, time within a tolerance, sets in one order. */

/** How far apart the two servers may be in what is left of a lease. */
const ttlToleranceSeconds = 2;
/** Leases whose ends are closer to each other may be listed in either order. */
const orderToleranceMs = 2_000;

type Asked = Call | HandEncoded;

/** The answer with the ids that this side chose replaced by their names, and what is a set in one order. */
export function withoutOwnIds(operation: Asked, answer: WireObject, names: Names): WireObject {
  const nameOf = (id: WireValue): string => names.nameOf(String(id ?? '0'));
  switch (operation.method) {
    case 'Lease.LeaseGrant':
    case 'Lease.LeaseKeepAlive':
      return { ...answer, ID: nameOf(answer['ID']) };
    case 'Lease.LeaseTimeToLive':
      return {
        ...answer,
        ID: nameOf(answer['ID']),
        keys: sortedBytes(answer['keys']),
      };
    case 'Lease.LeaseLeases':
      return { ...answer, leases: listOf(answer['leases']).map(({ ID }) => ({ ID: nameOf(ID) })) };
    case 'Maintenance.Alarm':
      return { ...answer, alarms: sortedAlarms(answer['alarms'], nameOf) };
    case 'Maintenance.Status':
      return statusOf(answer, names);
    default:
      return answer;
  }
}

/** What differs in the field that cannot be compared for equality, of an answer without own ids. */
export function leaseAnswerDifference(
  operation: Asked,
  answers: { readonly reference: WireObject; readonly subject: WireObject },
  sides: Sides,
): string | undefined {
  const { reference, subject } = answers;
  if (operation.method === 'Lease.LeaseTimeToLive') {
    return remainingDifference(reference, subject, sides);
  }
  if (operation.method !== 'Lease.LeaseLeases') return undefined;
  const [wanted, got] = [idsOf(reference), idsOf(subject)];
  if (!isDeepStrictEqual([...wanted].sort(), [...got].sort())) {
    return `leases ${wanted.join(' ')} against ${got.join(' ')}`;
  }
  const isOrdered = sides.isRestarted || !sides.hasOneMember || sameOrder(wanted, got, sides);
  return isOrdered ? undefined : `leases ${wanted.join(' ')} listed as ${got.join(' ')}`;
}

/** The answer without the field that `leaseAnswerDifference` has compared. */
export function withoutTolerated(operation: Asked, answer: WireObject): WireObject {
  if (operation.method === 'Lease.LeaseTimeToLive') return { ...answer, TTL: undefined };
  if (operation.method === 'Lease.LeaseLeases') return { ...answer, leases: undefined };
  return answer;
}

/** Undefined where what is left is near enough: the rest is compared without it. */
function remainingDifference(
  reference: WireObject,
  subject: WireObject,
  sides: Sides,
): string | undefined {
  const [wanted, got] = [reference, subject].map(({ TTL }) => Number(TTL ?? 0)) as [number, number];
  const granted = Number(reference['grantedTTL'] ?? 0);
  const most = (sides.isRestarted ? granted : wanted) + ttlToleranceSeconds;
  const isNear =
    wanted < 0 || got < 0 ? wanted === got : got >= wanted - ttlToleranceSeconds && got <= most;
  return isNear ? undefined : `.TTL: ${wanted} against ${got}`;
}

function idsOf(answer: WireObject): readonly string[] {
  return listOf(answer['leases']).map(({ ID }) => String(ID));
}

/** Whether every two leases whose ends are well apart are in the order of the reference. */
function sameOrder(wanted: readonly string[], got: readonly string[], sides: Sides): boolean {
  const places = new Map(got.map((id, place) => [id, place]));
  return wanted.every((first, i) =>
    wanted.slice(i + 1).every((second) => {
      const apartMs = Math.abs(sides.expiryMs(first) - sides.expiryMs(second));
      return apartMs < orderToleranceMs || Number(places.get(first)) < Number(places.get(second));
    }),
  );
}

function sortedBytes(keys: WireValue): WireValue {
  if (!Array.isArray(keys)) return keys;
  return [...(keys as readonly Uint8Array[])].sort((a, b) => Buffer.compare(a, b));
}

function sortedAlarms(alarms: WireValue, nameOf: (id: WireValue) => string): WireValue {
  if (!Array.isArray(alarms)) return alarms;
  return (alarms as readonly WireObject[])
    .map((alarm) => ({ ...alarm, memberID: nameOf(alarm['memberID']) }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** Sizes, terms and indexes are each server's own; etcd learns its storage version a while after its start. */
function statusOf(answer: WireObject, names: Names): WireObject {
  const errors = (answer['errors'] ?? []) as readonly string[];
  return {
    header: answer['header'],
    version: answer['version'],
    isLearner: answer['isLearner'],
    dbSizeQuota: answer['dbSizeQuota'],
    downgradeInfo: answer['downgradeInfo'],
    hasLeader: answer['leader'] !== undefined,
    // protobuf-go puts one space or two between fields, by a hash of the binary.
    errors: errors.map((text) => withNames(text.replace(/\s+/g, ' '), names)).sort(),
  };
}

function withNames(text: string, names: Names): string {
  return text.replace(/\d+/g, (id) => names.nameOf(id));
}

function listOf(value: WireValue): readonly WireObject[] {
  return Array.isArray(value) ? (value as readonly WireObject[]) : [];
}
