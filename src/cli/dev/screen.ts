import { styleText } from 'node:util';
import { isSettled, type ClusterReporter, type MemberView } from './cluster.ts';
import { restartCommand, type MemberExit } from './member-process.ts';
import type { Role } from './roles.ts';

type Style = 'bold' | 'green' | 'yellow' | 'red' | 'dim';

export interface Screen extends ClusterReporter {
  say(text: string): void;
  starting(members: readonly MemberView[], dataRoot: string): void;
}

export interface ScreenOptions {
  /** Colours and weights, for a terminal. */
  readonly styled: boolean;
  write(text: string): void;
  /** How the control tool is called from here. */
  readonly ctl: string;
}

/** Tells of the cluster in lines, one for each thing that happens. */
export function createScreen({ styled, write, ctl }: ScreenOptions): Screen {
  const paint = (style: Style, text: string): string => (styled ? styleText(style, text) : text);
  const say = (text: string): void => write(`${text}\n`);
  const memberLine = (member: MemberView): string => {
    const { name, clientUrl, peerUrl } = member.plan;
    const role = describeRole(member);
    return (
      `  ${paint('bold', name)}  pid ${member.pid ?? '-'}  clients ${clientUrl}  peers ${peerUrl}  ` +
      (member.role.kind === 'leader' ? paint('green', role) : role)
    );
  };
  return {
    say,
    starting: (members, dataRoot) => {
      say(paint('bold', `Starting three members; their data and logs are in ${dataRoot}`));
      for (const member of members) say(memberLine(member));
    },
    ready: (members) => {
      const leader = members.find(({ role }) => role.kind === 'leader');
      say('');
      for (const member of members) say(memberLine(member));
      if (leader !== undefined) {
        const lead = [describeLead(leader), ...describeMissing(members)].join('; ');
        say(paint('green', `ready: ${lead}`));
      }
      for (const line of suggestions(members, leader, ctl)) say(line);
    },
    roleChanged: (member, before) => {
      const { kind } = member.role;
      const text = describeChange(member, before);
      if (kind === 'leader') say(paint('green', text));
      else say(kind === 'silent' || kind === 'leaderless' ? paint('yellow', text) : text);
    },
    died: (member, exit) => {
      say(paint('red', `${member.plan.name} is gone: ${describeExit(exit)}`));
      if (exit.reason !== undefined) say(`  ${exit.reason}`);
      say(paint('dim', `  its log: ${member.plan.logFile}`));
      if (exit.hasLostData) {
        say(
          '  its data is lost, so it cannot rejoin under its old id: exchange it (README, "Exchanging a member").',
        );
        say('  `npm start -- --reset` begins afresh, without the data of all three.');
        return;
      }
      say('  bring it back, in another terminal, with:');
      say(`  ${restartCommand(member.plan)}`);
    },
    stoppedBadly: (member, exit) => {
      say(paint('red', `${member.plan.name} did not stop well: ${describeExit(exit)}`));
      if (exit.reason !== undefined) say(`  ${exit.reason}`);
      say(paint('dim', `  its log: ${member.plan.logFile}`));
    },
  };
}

function describeRole({ role, pid }: MemberView): string {
  switch (role.kind) {
    case 'silent':
      return pid === undefined ? 'down' : 'starting';
    case 'leaderless':
      return 'no leader';
    case 'leader':
    case 'follower':
      return role.kind;
  }
}

function describeLead(leader: MemberView): string {
  const term = leader.role.kind === 'silent' ? 0 : leader.role.term;
  return `${leader.plan.name} leads in term ${term}`;
}

function describeMissing(members: readonly MemberView[]): readonly string[] {
  return members.flatMap(({ plan, role, pid }) => {
    if (isSettled(role)) return [];
    if (pid === undefined) return [`${plan.name} is down`];
    return [`${plan.name} ${role.kind === 'silent' ? 'does not answer' : 'knows no leader'}`];
  });
}

function describeChange(member: MemberView, before: Role): string {
  const { name } = member.plan;
  switch (member.role.kind) {
    case 'leader':
      return `${describeLead(member)} now`;
    case 'follower':
      if (before.kind === 'silent') return `${name} answers again: follower`;
      return before.kind === 'leader' ? `${name} leads no more: follower` : `${name} follows again`;
    case 'leaderless':
      return before.kind === 'silent'
        ? `${name} answers again, and knows no leader yet`
        : `${name} knows no leader`;
    case 'silent':
      return `${name} does not answer`;
  }
}

function describeExit({ code, signal }: MemberExit): string {
  if (signal !== null) return `killed by ${signal}`;
  return code === null ? 'it could not be started' : `it ended with exit code ${code}`;
}

function suggestions(
  members: readonly MemberView[],
  leader: MemberView | undefined,
  ctl: string,
): readonly string[] {
  const answering = members.filter(({ role }) => isSettled(role));
  const endpoints = answering.map(({ plan }) => `127.0.0.1:${plan.clientPort}`);
  const [first = ''] = endpoints;
  const isDefault = first === '127.0.0.1:2379';
  const one = isDefault ? ctl : `${ctl} --endpoints=${first}`;
  return [
    '',
    'Now type, in another terminal:',
    `  ${one} put greeting hello`,
    `  ${one} get greeting`,
    `  ${ctl} --endpoints=${endpoints.join(',')} endpoint status -w table`,
    // Another can take over only while all three are there.
    ...(leader?.pid === undefined || answering.length < members.length
      ? []
      : [`  kill -9 ${leader.pid}    (the leader: another takes over)`]),
    `etcdctl takes the same commands. Ctrl-C here stops all three.`,
  ];
}
