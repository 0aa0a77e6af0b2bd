import { inspectDataDir } from '../../src/storage/data-dir-files.ts';
import { diskFs } from '../../src/storage/node-fs.ts';
import type { DataDir } from '../../src/storage/types.ts';
import { row } from '../contract/state-store.ts';
import { firstHardState, fixtureOn } from './support.ts';
import { machineDisk } from '../../src/storage/machine-disk.ts';
import { entryOfSize } from './appender-entry.ts';

/**
 * A process of its own that appends and commits to the data dir of its argument until it is killed, and says on
 * stdout what was acknowledged: `log <index> <term>` and `store <appliedIndex>`. It ends with code 70 on a write
 * error, as a member does.
 */
const path = process.argv[2];
if (path === undefined) throw new Error('which data dir?');
const fixture = fixtureOn(machineDisk, path);
const timer = setInterval(() => {
  const [error] = fixture.fatal;
  if (error === undefined) return;
  console.log(`fatal ${error.code} ${error.message}`);
  process.exit(70);
}, 1);
timer.unref();

if (inspectDataDir(diskFs, path).kind !== 'ours') await fixture.create([], firstHardState);
const dataDir = await fixture.open();
if (dataDir.provenLoss !== undefined) throw new Error(dataDir.provenLoss);
console.log(`opened ${dataDir.log.lastIndex()}`);
appendNext(dataDir);
commitNext(dataDir);

function appendNext({ log }: DataDir): void {
  const from = log.lastIndex() + 1;
  const term = Math.floor(from / 100) + 1;
  const { hardState: old } = log;
  const entries = [from, from + 1, from + 2].map((index) => entryOfSize(index, term));
  const hardState = { term, vote: old.term === term ? old.vote : BigInt(term), commit: from - 1 };
  log.append({ entries, hardState }, () => {
    console.log(`log ${from + 2} ${term}`);
    appendNext(dataDir);
  });
}

function commitNext({ log, store }: DataDir): void {
  const appliedIndex = log.hardState.commit;
  const { revision } = store.state;
  if (appliedIndex <= store.state.appliedIndex) {
    setTimeout(() => commitNext(dataDir), 2);
    return;
  }
  const appliedTerm = log.term(appliedIndex) ?? 0;
  const state = { ...store.state, appliedIndex, appliedTerm, revision: revision + 1 };
  store.commit({ state, put: [row(revision + 1)], deleted: [], changes: [] }, () => {
    console.log(`store ${appliedIndex}`);
    log.compact(Math.max(log.firstIndex() - 1, appliedIndex - 500));
    setTimeout(() => commitNext(dataDir), 5);
  });
}
