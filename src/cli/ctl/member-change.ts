import { utf8 } from '../../base/bytes.ts';
import { methods } from '../../client/methods.ts';
import { parseEndpointUrl } from '../../config/urls.ts';
import type { MemberAddResponse } from '../../wire/cluster.ts';
import { badArgs, CtlError, Exit } from './exit.ts';
import type { FlagSpec, FlagValues } from './flags.ts';
import { quoteText } from './go-text.ts';
import { mustParseMemberArg } from './hex-id.ts';
import { show } from './show.ts';
import type { Verb } from './verb.ts';
import type { Word } from './word.ts';

/** The verbs that change one member of the cluster (ctlv3/command/member_command.go). */

const peerUrlsFlag: FlagSpec = {
  name: 'peer-urls',
  kind: 'text',
  default: '',
  help: 'where the other members reach it, separated by commas',
};

export const memberAdd: Verb = {
  name: 'member add',
  usage: 'member add <name> --peer-urls=<url>,... [options]',
  summary: 'Adds a member, which then has to be started',
  flags: [
    peerUrlsFlag,
    {
      name: 'learner',
      kind: 'boolean',
      default: 'false',
      help: 'as a learner: it gets all data, but has no vote until it is promoted',
    },
  ],
  run: async (context, args) => {
    const name = newName(args);
    const peerUrls = mustParsePeerUrls(context.values);
    const isLearner = context.values.boolean('learner');
    const response = await context.openClient().unary(methods.memberAdd, { peerUrls, isLearner });
    show(context, context.printer.memberAdd(response));
    if (context.values.text('write-out') === 'simple') {
      context.writeOut(utf8(describeStart(name, context.values.text('peer-urls'), response)));
    }
  },
};

export const memberRemove: Verb = {
  name: 'member remove',
  usage: 'member remove <member id>',
  summary: 'Removes a member, which then stops by itself',
  flags: [],
  run: async (context, args) => {
    const id = onlyMember(args);
    const response = await context.openClient().unary(methods.memberRemove, { id });
    show(context, context.printer.memberRemove(id, response));
  },
};

export const memberUpdate: Verb = {
  name: 'member update',
  usage: 'member update <member id> --peer-urls=<url>,...',
  summary: 'Changes where the other members reach a member',
  flags: [peerUrlsFlag],
  run: async (context, args) => {
    const id = onlyMember(args);
    const peerUrls = mustParsePeerUrls(context.values);
    const response = await context.openClient().unary(methods.memberUpdate, { id, peerUrls });
    show(context, context.printer.memberUpdate(id, response));
  },
};

export const memberPromote: Verb = {
  name: 'member promote',
  usage: 'member promote <member id>',
  summary: 'Gives a learner a vote, once it has caught up',
  flags: [],
  run: async (context, args) => {
    const id = onlyMember(args);
    const response = await context.openClient().unary(methods.memberPromote, { id });
    show(context, context.printer.memberPromote(id, response));
  },
};

/** @throws CtlError */
function newName(args: readonly Word[]): string {
  const [name] = args;
  if (name === undefined) throw badArgs('member name not provided');
  if (args.length === 1) return name.text;
  const urls = args.filter(({ text }) => text.toLowerCase().startsWith('http'));
  const hints = urls.map(({ text }) => `, did you mean --peer-urls=${text}`);
  throw badArgs(`too many arguments${hints.join('')}`);
}

/** @throws CtlError */
function onlyMember(args: readonly Word[]): bigint {
  const [only] = args;
  if (only === undefined || args.length > 1) throw badArgs('member ID is not provided');
  return mustParseMemberArg(only);
}

/** As they were written, once each is known to be a URL (client/v3/cluster.go). */
function mustParsePeerUrls(values: FlagValues): readonly string[] {
  const text = values.text('peer-urls');
  if (text === '') throw badArgs('member peer urls not provided');
  const urls = text.split(',');
  for (const url of urls) {
    const parsed = parseEndpointUrl(url);
    if (!parsed.ok) throw new CtlError(Exit.Error, parsed.problem);
  }
  return urls;
}

/** The settings with which the new member has to be started. */
function describeStart(name: string, peerUrls: string, response: MemberAddResponse): string {
  const cluster = response.members.flatMap((member) => {
    const shown = member.id === response.member?.id ? name : member.name;
    return member.peerUrls.map((url) => `${shown}=${url}`);
  });
  return [
    '',
    `ETCD_NAME=${quoteText(name)}`,
    `ETCD_INITIAL_CLUSTER=${quoteText(cluster.join(','))}`,
    `ETCD_INITIAL_ADVERTISE_PEER_URLS=${quoteText(peerUrls)}`,
    'ETCD_INITIAL_CLUSTER_STATE="existing"',
    '',
  ].join('\n');
}
