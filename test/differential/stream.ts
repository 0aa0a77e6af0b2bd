import { seededRandom } from '../../src/base/random.ts';
import type { WireObject } from '../members/protocol.ts';
import { Choice } from './choice.ts';
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
import { bulkKey, bulkPrefix, hugeValue, prefixEnd, someValue } from './values.ts';
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

  #next(): Operation {
    const planned = this.#planned.shift();
    if (planned !== undefined) return planned;
    const choice = this.#choice;
    if (!choice.percent(40)) return this.#write();
    // Reads come in bursts, because they may be asked together.
    const others = choice.between(0, 4);
    for (let i = 0; i < others; i++) this.#planned.push(this.#read());
    return this.#read();
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
    ]);
  }

  #write(): Operation {
    const choice = this.#choice;
    const world = this.#world;
    return choice.weighted<Operation>([
      [240, () => call('KV.Put', putRequest(choice))],
      [80, () => call('KV.DeleteRange', deleteRequest(choice))],
      [200, () => call('KV.Txn', txnRequest(choice, world))],
      [9, () => call('KV.Compact', compactRequest(choice, world))],
      [6, () => this.#bulk()],
      [1, () => this.#huge()],
      [20, () => malformed(choice, this.#someCall())],
    ]);
  }

  #someCall(): Call {
    const choice = this.#choice;
    const [method, request] = choice.weighted<readonly [string, WireObject]>([
      [2, () => ['KV.Put', putRequest(choice)]],
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
