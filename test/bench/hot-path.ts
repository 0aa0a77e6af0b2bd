import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Handler, Handlers, Metadata, Status, UnaryCall } from '../../src/grpc/types.ts';
import { CompareResult, CompareTarget, RangeRequest, TxnRequest } from '../../src/wire/kv.ts';
import { PutRequest } from '../../src/wire/kv.ts';
import { profiled } from './self-time.ts';
import { LocalCluster, type LocalMember } from './local-cluster.ts';

/**
 * What Put, Range and Txn cost in CPU time without network and gRPC engine: whole members in one process, their
 * handlers driven with encoded requests, real LevelDB data dirs. All members' time, disk threads included, is counted
 * together, and members exchange their messages as bytes.
 *
 *     node dist/test/bench/hot-path.js                        all works, one member and three
 *     node dist/test/bench/hot-path.js --members 3 --work put,range --calls 200000
 *     node dist/test/bench/hot-path.js --members 3 --work put --profile     self time by folder and function
 *
 * Compare runs of two builds taken in turn: one figure by itself drifts with the machine.
 */

interface Options {
  readonly members: readonly number[];
  readonly works: readonly Work[];
  readonly calls: number;
  readonly inFlight: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly isProfiled: boolean;
}

type Work = 'put' | 'range' | 'serializable' | 'txn';

const pathOf: Readonly<Record<Work, string>> = {
  put: '/etcdserverpb.KV/Put',
  range: '/etcdserverpb.KV/Range',
  serializable: '/etcdserverpb.KV/Range',
  txn: '/etcdserverpb.KV/Txn',
};

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      members: { type: 'string', default: '1,3' },
      work: { type: 'string', default: 'put,range,serializable,txn' },
      calls: { type: 'string', default: '100000' },
      'in-flight': { type: 'string', default: '1024' },
      keys: { type: 'string', default: '100000' },
      'value-bytes': { type: 'string', default: '256' },
      profile: { type: 'boolean', default: false },
    },
  });
  return {
    members: values.members.split(',').map(Number),
    works: values.work.split(',') as Work[],
    calls: Number(values.calls),
    inFlight: Number(values['in-flight']),
    keys: Number(values.keys),
    valueBytes: Number(values['value-bytes']),
    isProfiled: values.profile,
  };
}

const noMetadata: Metadata = { get: () => undefined };
const peer = { address: '127.0.0.1:0', commonName: undefined };

/** A call as an engine would make one, with as little to it as possible. */
class BenchCall implements UnaryCall {
  readonly path: string;
  readonly metadata = noMetadata;
  readonly peer = peer;
  readonly timeoutMs = undefined;
  readonly isCancelled = false;
  private readonly answered: (call: BenchCall) => void;

  constructor(path: string, answered: (call: BenchCall) => void) {
    this.path = path;
    this.answered = answered;
  }

  onCancelled(): void {
    // No caller goes away here.
  }

  respond(): void {
    this.answered(this);
  }

  respondFrom(): void {
    throw new Error('no answer here is so large');
  }

  end({ code, text }: Status): void {
    throw new Error(`${this.path} failed: ${code} ${text}`);
  }
}

interface Caller {
  readonly handlers: Handlers;
  readonly inFlight: number;
}

/**
 * Makes `calls` calls, up to `inFlight` at once: what one turn of the event loop answers is followed by as many new
 * calls in the next, as it is with clients on sockets.
 */
function drive(
  { handlers, inFlight }: Caller,
  path: string,
  calls: number,
  requestOf: (call: number) => Uint8Array,
): Promise<void> {
  const handler = handlers.get(path) as Handler & { readonly kind: 'unary' };
  return new Promise((resolve) => {
    let begun = 0;
    let answered = 0;
    let free = inFlight;
    let isDue = false;
    const begin = (): void => {
      isDue = false;
      const until = Math.min(calls, begun + free);
      free -= until - begun;
      while (begun < until) handler.handle(new BenchCall(path, onAnswered), requestOf(begun++));
    };
    const onAnswered = (): void => {
      free++;
      if (++answered === calls) resolve();
      if (isDue || begun === calls) return;
      isDue = true;
      setImmediate(begin);
    };
    begin();
  });
}

/** The same to every member at once, each with its share. */
async function driveAll(
  members: readonly LocalMember[],
  { work, requests }: Load,
  options: Options,
): Promise<void> {
  const share = members.length;
  await Promise.all(
    members.map(({ handlers }, at) =>
      drive(
        { handlers, inFlight: Math.ceil(options.inFlight / share) },
        pathOf[work],
        Math.ceil(options.calls / share),
        (call) => requests[(call * share + at) % requests.length] as Uint8Array,
      ),
    ),
  );
}

interface Load {
  readonly work: Work;
  /** One for each key, in no order that an index or a cache could gain by. */
  readonly requests: readonly Uint8Array[];
}

function loadOf(work: Work, { keys, valueBytes }: Options): Load {
  const value = new Uint8Array(valueBytes).fill(0x76);
  const stride = 7_919;
  const requests = Array.from({ length: keys }, (_, i) => {
    const number = (i * stride) % keys;
    const key = new TextEncoder().encode(
      `/registry/pods/default/${String(number).padStart(9, '0')}`,
    );
    return encodeRequest(work, key, value);
  });
  return { work, requests };
}

function encodeRequest(work: Work, key: Uint8Array, value: Uint8Array): Uint8Array {
  switch (work) {
    case 'put':
      return PutRequest.encode({ key, value });
    case 'range':
      return RangeRequest.encode({ key });
    case 'serializable':
      return RangeRequest.encode({ key, serializable: true });
    case 'txn':
      return TxnRequest.encode(updateTxn(key, value));
  }
}

/** Kubernetes' update: put if the revision is as expected, else read. Here any revision is. */
function updateTxn(key: Uint8Array, value: Uint8Array): TxnRequest {
  const targetUnion = { case: 'modRevision' as const, value: 1 };
  const compare = {
    result: CompareResult.GREATER,
    target: CompareTarget.MOD,
    key,
    targetUnion,
    rangeEnd: new Uint8Array(),
  };
  return {
    compare: [compare],
    success: [{ request: { case: 'requestPut', value: PutRequest.create({ key, value }) } }],
    failure: [{ request: { case: 'requestRange', value: RangeRequest.create({ key }) } }],
  };
}

/** CPU time of the main thread, to 10 ms; Linux tells it in the 14th and 15th field (proc(5)). */
function mainThreadUs(): number {
  const fields = readFileSync(`/proc/self/task/${process.pid}/stat`, 'latin1').split(') ').at(-1);
  const [user = 0, system = 0] = (fields ?? '').split(' ').slice(11, 13).map(Number);
  return (user + system) * 10_000;
}

/** Microseconds of CPU time a call: all threads of this process, and the main one. */
async function measure(
  members: readonly LocalMember[],
  load: Load,
  options: Options,
): Promise<string> {
  const before = process.cpuUsage();
  const mainBefore = mainThreadUs();
  const startedMs = performance.now();
  await driveAll(members, load, options);
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(before);
  const perCall = (user + system) / options.calls;
  const mainPerCall = (mainThreadUs() - mainBefore) / options.calls;
  const rate = Math.round((options.calls / wallMs) * 1000);
  return (
    `${perCall.toFixed(2).padStart(8)} us CPU a call, ` +
    `${mainPerCall.toFixed(2).padStart(7)} of them on the main thread   ${String(rate).padStart(8)}/s`
  );
}

async function run(size: number, options: Options): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'quorate-hot-path-'));
  const cluster = await LocalCluster.start(size, dir);
  const { members } = cluster;
  // Every key there once, and the code warm.
  await driveAll(members, loadOf('put', options), { ...options, calls: options.keys });
  for (const work of options.works) {
    const load = loadOf(work, options);
    await driveAll(members, load, { ...options, calls: 30_000 });
    const one = (): Promise<string> => measure(members, load, options);
    const figures = options.isProfiled ? await profiled(one) : await one();
    process.stdout.write(`members ${size}  ${work.padEnd(12)} ${figures}\n`);
  }
  await cluster.stop();
  rmSync(dir, { recursive: true });
}

const options = readOptions();
for (const size of options.members) await run(size, options);
process.exit(0);
