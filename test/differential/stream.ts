import { seededRandom } from '../../src/base/random.ts';
import type { WireObject } from '../members/protocol.ts';
import { anyAlarmRequest, disarming, raising, someAlarm, type Alarm } from './alarm-requests.ts';
import { Choice } from './choice.ts';
import {
  expiringLeases,
  grantRequest,
  keepAlive,
  revokeRequest,
  shortLease,
  timeToLiveRequest,
} from './lease-requests.ts';
import { malformed, strangePath } from './malformed.ts';
import { call, mayMutate, type Call, type Operation } from './operation.ts';
import {
  compactRequest,
  deleteRequest,
  hashKvRequest,
  putRequest,
  rangeRequest,
  rangeStreamRequest,
} from './requests.ts';
import { bulkLoad, txnRequest } from './txn-requests.ts';
import { bulkKey, bulkPrefix, hugeValue, largeValue, prefixEnd, someValue } from './values.ts';
import { watchOfPrefix, watchStep } from './watch-requests.ts';
import type { World } from './world.ts';

/** Reads that may be under way together; a write stands alone. */
const readsMax = 16;
const bulkLoadKeys = 50;

/** The random stream of one seed. */
export class OperationStream {
  readonly #choice: Choice;
  readonly #world: World;
  /** Operations that follow up on an earlier one. */
  readonly #planned: Operation[] = [];
  #held: Operation | undefined;
  /** Raised and not disarmed yet. */
  #alarms: readonly Alarm[] = [];
  /** How many writes are left to be tried before they are disarmed. */
  #writesUnderAlarm = 0;

  constructor(seed: number, world: World) {
    this.#choice = new Choice(seededRandom(seed));
    this.#world = world;
  }

  /** What may be sent together now: some reads, or one operation that may write. */
  nextGroup(max: number): readonly Operation[] {
    const group: Operation[] = [];
    while (group.length < Math.min(max, readsMax)) {
      const operation = this.#held ?? this.#next();
      this.#held = undefined;
      if (!mayMutate(operation)) group.push(operation);
      else if (group.length === 0) return [operation];
      else {
        this.#held = operation;
        break;
      }
    }
    return group;
  }

  /** Whether nothing is under way that a pause would spoil. */
  get mayPause(): boolean {
    return this.#planned.length === 0;
  }

  /** What the run ends with: no alarm is left, and every watch is told of everything. */
  finale(): readonly Operation[] {
    return [
      ...this.#planned.splice(0),
      ...disarming(this.#choice, this.#alarms),
      ...expiringLeases(this.#choice, this.#world),
    ];
  }

  #next(): Operation {
    const planned = this.#planned.shift();
    if (planned !== undefined) return planned;
    if (this.#alarms.length > 0 && --this.#writesUnderAlarm <= 0) {
      const raised = this.#alarms;
      this.#alarms = [];
      return this.#plan(disarming(this.#choice, raised));
    }
    const choice = this.#choice;
    if (!choice.percent(40)) return this.#write();
    // Reads come in bursts, because they may be asked together.
    const others = choice.between(0, 4);
    for (let i = 0; i < others; i++) this.#planned.push(this.#read());
    return this.#read();
  }

  /** The first of them now, and the others after it. */
  #plan(operations: readonly Operation[]): Operation {
    const [first, ...others] = operations;
    this.#planned.push(...others);
    return first as Operation;
  }

  #read(): Operation {
    const choice = this.#choice;
    const world = this.#world;
    return choice.weighted<Operation>([
      [330, () => call('KV.Range', rangeRequest(choice, world))],
      [25, () => call('Maintenance.HashKV', hashKvRequest(choice, world))],
      [40, () => call('KV.RangeStream', rangeStreamRequest(choice, world))],
      [3, () => call('Cluster.MemberList', { linearizable: choice.percent(50) })],
      [2, () => strangePath(choice)],
      [25, () => timeToLiveRequest(choice, world)],
      [10, () => call('Lease.LeaseLeases', {})],
      [3, () => call('Maintenance.Status', {})],
    ]);
  }

  #write(): Operation {
    const choice = this.#choice;
    const world = this.#world;
    // While an alarm is raised leases can perhaps not be revoked, so none is granted that would expire.
    const hasAlarm = this.#alarms.length > 0;
    return choice.weighted<Operation>([
      [240, () => call('KV.Put', putRequest(choice, world))],
      [80, () => call('KV.DeleteRange', deleteRequest(choice))],
      [200, () => call('KV.Txn', txnRequest(choice, world))],
      [9, () => call('KV.Compact', compactRequest(choice, world))],
      [6, () => this.#bulk()],
      [1, () => this.#huge()],
      [20, () => malformed(choice, this.#someCall())],
      [130, () => watchStep(choice, world)],
      [22, () => grantRequest(choice, world)],
      [14, () => revokeRequest(choice, world)],
      [20, () => keepAlive(choice, world)],
      [hasAlarm ? 0 : 3, () => this.#plan(shortLease(choice, world))],
      [1, () => anyAlarmRequest(choice)],
      [hasAlarm ? 0 : 2, () => this.#alarm()],
      [1, () => this.#hugeRevision()],
      [hasAlarm || !choice.percent(10) ? 0 : 1, () => this.#plan(expiringLeases(choice, world))],
    ]);
  }

  #someCall(): Call {
    const choice = this.#choice;
    const [method, request] = choice.weighted<readonly [string, WireObject]>([
      [2, () => ['KV.Put', putRequest(choice, this.#world)]],
      [2, () => ['KV.Range', rangeRequest(choice, this.#world)]],
      [1, () => ['KV.DeleteRange', deleteRequest(choice)]],
      [2, () => ['KV.Txn', txnRequest(choice, this.#world)]],
    ]);
    return { kind: 'call', method, request };
  }

  #bulk(): Operation {
    const choice = this.#choice;
    const first = choice.below(1_000);
    const keys = Array.from({ length: bulkLoadKeys }, (_, i) => bulkKey(first + i));
    if (choice.percent(30)) {
      const key = Buffer.from(bulkPrefix);
      this.#planned.push(call('KV.RangeStream', { key, range_end: prefixEnd(key) }));
    }
    return call('KV.Txn', bulkLoad(keys, someValue(choice)));
  }

  #alarm(): Operation {
    const choice = this.#choice;
    const alarm = someAlarm(choice);
    this.#alarms = [alarm];
    this.#writesUnderAlarm = choice.between(6, 25);
    return this.#plan(raising(choice, alarm));
  }

  /** Two revisions that a watch with previous pairs is told in several fragments. */
  #hugeRevision(): Operation {
    const choice = this.#choice;
    const stream = this.#world.openStreams.at(-1);
    const keys = ['big/1', 'big/2', 'big/3'].map((key) => Buffer.from(key));
    const puts = keys.map((key) => ({ key, value: largeValue(choice) }));
    const again = {
      success: keys.map((key) => ({ request_put: { key, value: largeValue(choice) } })),
    };
    const watch = stream === undefined ? [] : watchOfPrefix(stream, 'big/', this.#world.revision);
    return this.#plan([
      ...(choice.percent(50) ? watch : []),
      ...puts.map((put) => call('KV.Put', put)),
      call('KV.Txn', again),
      ...watch,
      { kind: 'settle' },
      call('KV.DeleteRange', { key: Buffer.from('big/'), range_end: Buffer.from('big0') }),
      { kind: 'settle' },
    ]);
  }

  /** A huge value, read once and taken away again: left there it would be in every wide answer. */
  #huge(): Operation {
    const choice = this.#choice;
    const key = Buffer.from('big');
    this.#planned.push(
      call('KV.Range', { key }),
      call('KV.RangeStream', { key: Buffer.from('a'), range_end: Buffer.from('c') }),
      call('KV.DeleteRange', { key, prev_kv: choice.percent(50) }),
    );
    const put = { key, value: hugeValue(choice) };
    if (choice.percent(30)) return call('KV.Txn', { success: [{ request_put: put }] });
    return call('KV.Put', put);
  }
}
