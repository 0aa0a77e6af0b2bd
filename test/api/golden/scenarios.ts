import { electionScenario, lockScenario } from './coordination-scenarios.ts';
import * as kv from './kv-scenarios.ts';
import * as other from './other-scenarios.ts';
import type { Scenario } from './scenario.ts';

/** Every scenario that is recorded from etcd and replayed against this store. */
export const scenarios: readonly Scenario[] = [
  kv.putScenario,
  kv.rangeScenario,
  kv.deleteScenario,
  kv.txnScenario,
  kv.compactScenario,
  kv.compactZeroScenario,
  kv.rangeStreamScenario,
  other.maintenanceScenario,
  other.clusterScenario,
  other.healthScenario,
  other.badInputScenario,
  lockScenario,
  electionScenario,
];
