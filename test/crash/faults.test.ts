import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RawClient } from '../members/client.ts';
import { freePorts } from '../members/loopback.ts';
import type { Member } from '../members/member.ts';
import { dataDirOf, lonelyMember } from './booted.ts';
import { mustAnswer } from './client-oracle.ts';
import { buildShim, shimEnvironment } from './shim/build.ts';

/** A real member whose disk fails under it. It ends itself at the first failure, and has told nobody a lie. */

const exitOfFailedDisk = 1;
/** Fills LevelDB's write buffer more than once. */
const writesMax = 400;
const lanes = 4;
/** Below the election timeout: a leader whose disk stands still for longer steps down. */
const delayMs = 100;

describe('A member whose disk', () => {
  let shim = '';
  let folder = '';
  let ports: readonly [number, number];

  before(function () {
    const built = buildShim();
    if (built.path === undefined) {
      console.log(`      skipped: ${built.reason}`);
      return this.skip();
    }
    shim = built.path;
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(realpathSync(tmpdir()), 'quorate-faults-'));
    const [clientPort = 0, peerPort = 0] = await freePorts(2);
    ports = [clientPort, peerPort];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const faultsFile = (): string => join(folder, 'faults');

  function memberUnderShim(): Member {
    const use = { dataDir: dataDirOf(folder), faults: faultsFile() };
    return lonelyMember(dataDirOf(folder), ports, shimEnvironment(shim, use));
  }

  /** Writes until the member is gone or it was enough; answers the keys that were acknowledged. */
  async function writeOn(member: Member, count = writesMax): Promise<readonly string[]> {
    const client = new RawClient(member.target);
    const acknowledged: string[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count && member.isRunning) {
        const key = `key-${next++}`;
        const value = Buffer.alloc(64 * 1024, key);
        const answer = await client.call('KV.Put', { key: Buffer.from(key), value });
        if (!answer.ok) return;
        acknowledged.push(key);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    client.close();
    return acknowledged;
  }

  async function checkAllThere(acknowledged: readonly string[]): Promise<void> {
    writeFileSync(faultsFile(), '');
    const member = memberUnderShim();
    await member.start();
    const client = new RawClient(member.target);
    const all = { key: Buffer.from([0]), range_end: Buffer.from([0]), keys_only: true };
    const answer = mustAnswer(await client.call('KV.Range', all), 'Range');
    client.close();
    await member.stop();
    const found = new Set(
      ((answer['kvs'] ?? []) as readonly { key: Buffer }[]).map(({ key }) => key.toString()),
    );
    const missing = acknowledged.filter((key) => !found.has(key));
    assert.deepEqual(missing, []);
  }

  for (const [what, rule, text] of [
    ['fails to sync the log, once', 'sync log-000001 EIO after 20 times 1', /log/],
    ['fails to sync the witness, once', 'sync witness EIO after 2 times 1', /witness/],
    ['is full when the store is written', 'write store-000001 ENOSPC after 40', /store/],
    ['fails to open a new log file, once', 'open log-000001/00 EIO times 1', /log/],
  ] as const) {
    it(`${what}: it ends itself, and what it had acknowledged is there`, async function () {
      this.timeout(90_000);
      writeFileSync(faultsFile(), '');
      const member = memberUnderShim();
      await member.start();
      writeFileSync(faultsFile(), `${rule}\n`);
      const acknowledged = await writeOn(member);
      const { code } = await member.exited();
      assert.equal(code, exitOfFailedDisk, member.tail);
      assert.match(member.tail, text);
      assert.ok(acknowledged.length < writesMax, 'the failure came while it was written to');
      await checkAllThere(acknowledged);
    });
  }

  it('writes less than it was asked to, again and again, goes on: it asks for the rest', async function () {
    this.timeout(90_000);
    writeFileSync(faultsFile(), 'write * short');
    const member = memberUnderShim();
    await member.start();
    const acknowledged = await writeOn(member, 40);
    assert.equal(acknowledged.length, 40, member.tail);
    await member.kill();
    await checkAllThere(acknowledged);
  });

  it('is slow: nothing is acknowledged before it was synced', async function () {
    this.timeout(90_000);
    writeFileSync(faultsFile(), '');
    const member = memberUnderShim();
    await member.start();
    writeFileSync(faultsFile(), `sync log-000001 delay ${delayMs}`);
    const startedMs = performance.now();
    const acknowledged = await writeOn(member, 4);
    assert.ok(performance.now() - startedMs >= delayMs, 'it waited for the sync');
    assert.ok(acknowledged.length > 0, member.tail);
    await member.kill();
    await checkAllThere(acknowledged);
  });
});
