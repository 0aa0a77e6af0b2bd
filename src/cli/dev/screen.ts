import { styleText } from 'node:util';
import type { ClusterReporter, MemberView } from './cluster.ts';
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
    const role = describeRole(member.role);
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
      if (leader !== undefined) say(paint('green', `ready: ${describeLead(leader)}`));
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
      say('  bring it back, in another terminal, with:');
      say(`  ${restartCommand(member.plan)}`);
    },
  };
}

function describeRole(role: Role): string {
  switch (role.kind) {
    case 'silent':
      return 'starting';
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
  const endpoints = members.map(({ plan }) => `127.0.0.1:${plan.clientPort}`).join(',');
  const first = `127.0.0.1:${members[0]?.plan.clientPort ?? 0}`;
  const isDefault = first === '127.0.0.1:2379';
  const one = isDefault ? ctl : `${ctl} --endpoints=${first}`;
  return [
    '',
    'Now type, in another terminal:',
    `  ${one} put greeting hello`,
    `  ${one} get greeting`,
    `  ${ctl} --endpoints=${endpoints} endpoint status -w table`,
    ...(leader?.pid === undefined
      ? []
      : [`  kill -9 ${leader.pid}    (the leader: another takes over)`]),
    `etcdctl takes the same commands. Ctrl-C here stops all three.`,
  ];
}
