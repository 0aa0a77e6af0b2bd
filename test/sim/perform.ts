import { seededRandom } from '../../src/base/random.ts';
import type { MemberId } from '../../src/raft/types.ts';
import { StorageError } from '../../src/storage/errors.ts';
import { performFault } from './perform-faults.ts';
import { describeStep, type SimStep } from './steps.ts';
import type { Direction } from './network.ts';
import type { SimWorld } from './world.ts';

/** Does what a step says. A step that cannot be done, because another was left out, does nothing. */
export async function perform(world: SimWorld, step: SimStep): Promise<void> {
  world.random.reset('seed' in step ? step.seed : step.atMs);
  try {
    await performAny(world, step);
  } catch (error) {
    // Who comes upon a damaged row ends by it, in the middle of what a client has asked.
    if (!(error instanceof StorageError) || world.machines.damaged.size === 0) throw error;
    world.judge.note(undefined, `no answer: ${error.message}`);
  }
}

async function performAny(world: SimWorld, step: SimStep): Promise<void> {
  switch (step.do) {
    case 'client':
      world.clients.act();
      return world.judge.called();
    case 'wide':
      world.wide.act();
      return world.judge.called();
    case 'operate':
      world.operators.act();
      return world.judge.called();
    case 'lease':
      world.leases.act();
      return world.judge.called();
    case 'watcher':
      world.watchers.act();
      return world.judge.called();
    case 'change':
      await world.members.act();
      return world.judge.called();
    case 'transfer': {
      const { leader } = world.cluster;
      const target = world.cluster.running(world.nameOf(step.to));
      if (!leader || !target || !world.cluster.callable.includes(leader)) return;
      world.clients.moveLeader(leader, target);
      return world.judge.called();
    }
    case 'compact': {
      const member = world.cluster.running(world.nameOf(step.who));
      if (!member || !world.cluster.callable.includes(member)) return;
      world.clients.compact(member, step.behind);
      return world.judge.called();
    }
    default:
      world.judge.note(undefined, describeStep(step));
      return performOnNetwork(world, step) ? undefined : performFault(world, step);
  }
}

/** Whether it was a step of the network. */
function performOnNetwork(world: SimWorld, step: SimStep): boolean {
  const { links } = world;
  const end = (forMs: number, heal: () => void): true => {
    world.agenda.add(world.nowMs + forMs, () => {
      world.judge.note(undefined, `ends: ${describeStep(step)}`);
      heal();
    });
    return true;
  };
  switch (step.do) {
    case 'partition': {
      const sides = new Map(numbered(world).map(([id, i]) => [id, (step.sides >> i) & 1]));
      return end(
        step.forMs,
        links.cut((from, to) => sides.get(from) !== sides.get(to)),
      );
    }
    case 'isolate': {
      const id = world.idOf(world.nameOf(step.who));
      if (step.who === 'leader') world.probes.sometimes('leader isolated');
      return end(
        step.forMs,
        links.cut((from, to) => from === id || to === id),
      );
    }
    case 'ring': {
      // Everyone sees the next and the one before: what two see of one another a third does not.
      const numbers = new Map(numbered(world));
      const apart = (from: MemberId, to: MemberId): boolean =>
        Math.abs((numbers.get(from) ?? 0) - (numbers.get(to) ?? 0)) > 1;
      return end(step.forMs, links.cut(apart));
    }
    case 'cut':
      return end(step.forMs, links.cut(directionOf(world, step)));
    case 'clog':
      return end(step.forMs, links.clog(directionOf(world, step), step.forMs));
    case 'noise':
      return end(step.forMs, links.disturb(step));
    case 'lie':
      lie(world, step);
      return true;
    case 'redeliver':
      redeliver(world, step);
      return true;
    default:
      return false;
  }
}

/** As with a firewall that refuses in the name of a member, or a port that is opened anew. */
function lie(world: SimWorld, step: SimStep & { readonly do: 'lie' }): void {
  const { cluster, machines, probes } = world;
  const about = cluster.running(world.nameOf(step.about));
  if (about === undefined) return;
  const names = step.to === 'all' ? cluster.names : [world.nameOf(step.to)];
  for (const name of names) {
    const member = cluster.running(name);
    if (member === undefined || member === about) continue;
    if (about.isLeader) probes.sometimes('leader that lives was taken for gone');
    machines.hostOf(name)?.run(() => member.gone(about.id));
  }
}

function redeliver(world: SimWorld, step: SimStep & { readonly do: 'redeliver' }): void {
  const name = world.nameOf(step.who);
  const { machines, probes } = world;
  const messages = machines.archive.draw(name, step.ageMinMs, step.count, step.seed);
  const term = world.cluster.running(name)?.term ?? 0;
  if (messages.some((message) => message.term > 0 && message.term < term)) {
    probes.sometimes('message of an older term delivered again');
  }
  const inOrder = seededRandom(step.seed).below(2) === 0;
  machines.redeliver(name, inOrder ? messages : messages.toReversed());
}

function directionOf(world: SimWorld, step: SimStep & { readonly do: 'cut' | 'clog' }): Direction {
  const [sender, receiver] = [step.from, step.to].map((who) => world.idOf(world.nameOf(who)));
  return (from, to) => from === sender && to === receiver;
}

function numbered(world: SimWorld): readonly (readonly [MemberId, number])[] {
  return world.cluster.names.map((name, i) => [world.idOf(name) ?? 0n, i] as const);
}
