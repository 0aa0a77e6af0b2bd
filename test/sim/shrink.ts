import type { SimSchedule } from './schedule.ts';
import type { SimSettings } from './settings.ts';
import type { SimStep } from './steps.ts';

/** Whether a schedule still fails in the same way. */
export type Fails = (schedule: SimSchedule) => Promise<boolean>;

/** Whether there is time to try once more. */
export type HasTime = () => boolean;

/**
 * Looks for a shorter schedule that fails in the same way: whole kinds of steps first, then halves and smaller parts
 * of what is left (delta debugging, Zeller and Hildebrandt 2002), and plainer settings.
 */
export async function shrink(
  schedule: SimSchedule,
  fails: Fails,
  hasTime: HasTime,
): Promise<SimSchedule> {
  let best = schedule;
  const maybe = async (candidate: SimSchedule): Promise<boolean> => {
    if (!hasTime() || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  await shrinkKinds(() => best, maybe);
  await shrinkSteps(() => best, maybe);
  for (const plainer of plainerSettings) {
    const settings = plainer(best.settings);
    if (settings !== undefined) await maybe({ ...best, settings });
  }
  await shrinkSteps(() => best, maybe);
  return best;
}

type Maybe = (candidate: SimSchedule) => Promise<boolean>;

async function shrinkKinds(best: () => SimSchedule, maybe: Maybe): Promise<void> {
  for (const kind of new Set(best().steps.map((step) => step.do))) {
    await maybe({ ...best(), steps: best().steps.filter((step) => step.do !== kind) });
  }
}

/** Leaves out parts, of half of the steps at first and of single ones at last. */
async function shrinkSteps(best: () => SimSchedule, maybe: Maybe): Promise<void> {
  let size = Math.ceil(best().steps.length / 2);
  while (size >= 1) {
    let hasShrunk = false;
    // From the end: what comes last depends on what was before, not the other way round.
    for (let to = best().steps.length; to > 0; to -= size) {
      const from = Math.max(0, to - size);
      const { steps } = best();
      const rest = [...steps.slice(0, from), ...steps.slice(to)];
      if (await maybe({ ...best(), steps: rest })) hasShrunk = true;
    }
    if (size === 1 && !hasShrunk) return;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
}

/** Each returns simpler settings, or nothing when they are as simple already. */
const plainerSettings: readonly ((settings: SimSettings) => SimSettings | undefined)[] = [
  (settings) => (settings.members > 3 ? { ...settings, members: 3 } : undefined),
  (settings) => (settings.clockRates.length > 0 ? { ...settings, clockRates: [] } : undefined),
  (settings) => (settings.lookMs > 0 ? { ...settings, lookMs: 0 } : undefined),
  (settings) => (settings.paddingBytes > 0 ? { ...settings, paddingBytes: 0 } : undefined),
  (settings) =>
    settings.healsMajorityFirst ? { ...settings, healsMajorityFirst: false } : undefined,
];

/** `12 steps, of 2 kinds`, and one step a line. */
export function describeSchedule(
  { settings, steps }: SimSchedule,
  describe: (step: SimStep) => string,
): readonly string[] {
  const kinds = new Set(steps.map((step) => step.do)).size;
  return [
    `${settings.members} members, ${steps.length} steps of ${kinds} kinds:`,
    ...steps.map((step) => `${String(step.atMs).padStart(8)} ${describe(step)}`),
  ];
}
