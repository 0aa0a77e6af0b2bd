import type { Random } from '../../src/base/random.ts';
import { anyRate, settingsOf, type Feature, type SimSettings } from './settings.ts';
import type { Action, SimStep, Who } from './steps.ts';
import { anySeed, chance, fraction, logUniform, oneOf, streamOf } from './streams.ts';

/** A whole run as data: with it a run can be repeated after the code that drew it has changed. */
export interface SimSchedule {
  readonly settings: SimSettings;
  /** In the order of their moments. */
  readonly steps: readonly SimStep[];
}

/** Before the first step the members have a moment to start. */
const quietMs = 1500;
const stepsOfFeatureMax = 3000;
/** Numbers of members are drawn below this; those who come later have some, too. */
const numbersMax = 8;

/** What a seed says: settings, and for each feature that is on a line of steps of its own. */
export function scheduleOf(seed: number): SimSchedule {
  const settings = settingsOf(seed);
  const features = Object.keys(settings.features) as Feature[];
  const steps = features.flatMap((feature) => stepsOf(feature, settings));
  return { settings, steps: steps.sort((a, b) => a.atMs - b.atMs) };
}

function stepsOf(feature: Feature, { seed, features, durationMs }: SimSettings): SimStep[] {
  const random = streamOf(seed, `steps of ${feature}`);
  const perSecond = features[feature] ?? 0;
  const steps: SimStep[] = [];
  let atMs = quietMs;
  while (steps.length < stepsOfFeatureMax) {
    // Exponential, as arrivals are; in storms several come at the same moment.
    atMs += chance(random, stormShare) ? 0 : (-Math.log(1 - fraction(random)) * 1000) / perSecond;
    if (atMs >= durationMs) break;
    steps.push({ atMs: Math.round(atMs), ...actionOf(feature, random) });
  }
  return steps;
}

const stormShare = 0.1;

function actionOf(feature: Feature, random: Random): Action {
  switch (feature) {
    case 'clients':
      return { do: 'client', seed: anySeed(random) };
    case 'wide':
      return { do: 'wide', seed: anySeed(random) };
    case 'operators':
      return { do: 'operate', seed: anySeed(random) };
    case 'leases':
      return { do: 'lease', seed: anySeed(random) };
    case 'watchers':
      return { do: 'watcher', seed: anySeed(random) };
    case 'changes':
      return { do: 'change', seed: anySeed(random) };
    case 'transfers':
      return { do: 'transfer', to: anyone(random) };
    case 'compactions':
      return { do: 'compact', who: anyone(random), behind: random.below(40) };
    case 'crashes':
      return crash(someone(random), random);
    case 'blackouts':
      return crash('all', random);
    case 'stops':
      return { do: 'stop', who: someone(random), downMs: lasting(random) };
    case 'pauses':
      return { do: 'pause', who: someone(random), forMs: lasting(random) };
    case 'clocks':
      return { do: 'clock', who: anyone(random), rate: anyRate(random) };
    case 'partitions':
      return partition(random);
    case 'cuts':
      return { do: 'cut', from: someone(random), to: someone(random), forMs: lasting(random) };
    case 'clogs':
      return { do: 'clog', from: someone(random), to: someone(random), forMs: lasting(random) };
    case 'lies':
      return {
        do: 'lie',
        about: someone(random),
        to: chance(random, 0.4) ? 'all' : anyone(random),
      };
    case 'noise':
      return {
        do: 'noise',
        delayMaxMs: oneOf(random, [0, 20, 300, 2000]),
        lossPerMille: oneOf(random, [0, 0, 50, 300]),
        doublePerMille: oneOf(random, [0, 0, 100, 500]),
        forMs: lasting(random),
      };
    default:
      return rareAction(feature, random);
  }
}

function rareAction(feature: Feature, random: Random): Action {
  switch (feature) {
    case 'redeliveries':
      return {
        do: 'redeliver',
        who: anyone(random),
        count: 1 + random.below(20),
        ageMinMs: oneOf(random, [0, 1000, 5000, 20_000, 120_000]),
        seed: anySeed(random),
      };
    case 'slowDisks':
      return {
        do: 'slowDisk',
        who: someone(random),
        maxMs: oneOf(random, [10, 100, 1500, 8000]),
        forMs: lasting(random),
      };
    case 'failingDisks':
      return {
        do: 'failWrite',
        who: someone(random),
        isPersisted: chance(random, 0.5),
        isFull: chance(random, 0.3),
        downMs: lasting(random),
      };
    case 'fullDisks':
      return {
        do: 'fullDisk',
        who: someone(random),
        freeBytes: oneOf(random, [0, 1, 20, 60]) * 2 ** 20,
        forMs: lasting(random),
      };
    default:
      return chance(random, 0.5)
        ? { do: 'rot', who: someone(random), seed: anySeed(random) }
        : { do: 'wipe', who: someone(random) };
  }
}

function crash(who: Who | 'all', random: Random): Action {
  const drawn = oneOf(random, [0, 500, 1000]);
  const when = { downMs: lasting(random), seed: anySeed(random) };
  // What is lost of an unsynced file is of interest when there is one.
  const isUnsynced = chance(random, 0.25);
  return { do: 'crash', who, keepsPerMille: isUnsynced ? 500 : drawn, isUnsynced, ...when };
}

function partition(random: Random): Action {
  const forMs = lasting(random);
  switch (random.below(4)) {
    case 0:
      return { do: 'isolate', who: 'leader', forMs };
    case 1:
      return { do: 'ring', forMs };
    default:
      return { do: 'partition', sides: 1 + random.below(2 ** numbersMax - 2), forMs };
  }
}

/** A leader's troubles are the most interesting ones. */
function someone(random: Random): Who {
  return chance(random, 0.4) ? 'leader' : anyone(random);
}

function anyone(random: Random): number {
  return random.below(numbersMax);
}

/** From less than a heartbeat to many elections. */
function lasting(random: Random): number {
  return Math.round(logUniform(random, 20, 20_000));
}
