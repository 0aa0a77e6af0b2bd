import { Client, type ClientOptions } from '../../client/client.ts';
import { ClientError, describeClientError } from '../../client/client-error.ts';
import { parseEndpoint } from '../../client/endpoint.ts';
import { alarmDisarm, alarmList } from './alarm.ts';
import { compaction } from './compaction.ts';
import { defrag } from './defrag.ts';
import { del } from './del.ts';
import { endpointHashKv } from './endpoint-hashkv.ts';
import { endpointHealth } from './endpoint-health.ts';
import { elect } from './elect.ts';
import { endpointStatus } from './endpoint-status.ts';
import { badArgs, badFeature, CtlError, Exit } from './exit.ts';
import { findVerb } from './find-verb.ts';
import {
  parseWords,
  UsageError,
  type FlagSpec,
  type FlagValues,
  type ParsedWords,
} from './flags.ts';
import { get } from './get.ts';
import { describeRefusedFlag, globalFlags, readEnvironment } from './global-flags.ts';
import { formatGlobalFlags, formatVerbHelp, formatVerbList, formatVerbUsage } from './help.ts';
import { leaseKeepAlive } from './lease-keep-alive.ts';
import { leaseGrant, leaseList, leaseRevoke, leaseTimeToLive } from './lease.ts';
import { lock } from './lock.ts';
import { memberAdd, memberPromote, memberRemove, memberUpdate } from './member-change.ts';
import { memberList } from './member-list.ts';
import { moveLeader } from './move-leader.ts';
import type { Printer } from './output.ts';
import { fieldsPrinter } from './print-fields.ts';
import { jsonPrinter } from './print-json.ts';
import { protobufPrinter } from './print-protobuf.ts';
import { simplePrinter } from './print-simple.ts';
import { tablePrinter } from './print-table.ts';
import { put } from './put.ts';
import { txn } from './txn.ts';
import type { Verb, VerbContext } from './verb.ts';
import { version } from './version.ts';
import { watch } from './watch.ts';
import { wordOf, type Word } from './word.ts';

export const verbs: readonly Verb[] = [
  get,
  put,
  del,
  txn,
  compaction,
  watch,
  leaseGrant,
  leaseRevoke,
  leaseTimeToLive,
  leaseList,
  leaseKeepAlive,
  lock,
  elect,
  endpointHealth,
  endpointStatus,
  endpointHashKv,
  memberAdd,
  memberRemove,
  memberUpdate,
  memberPromote,
  memberList,
  alarmDisarm,
  alarmList,
  moveLeader,
  defrag,
  version,
];

/** What the control tool needs of the world around it. */
export interface CtlHost
  extends
    Pick<ClientOptions, 'openChannel' | 'probe'>,
    Pick<
      VerbContext,
      'writeOut' | 'writeErr' | 'sleep' | 'runProgram' | 'onInterrupt' | 'input' | 'environment'
    > {
  /** As the user calls it: `etcdctl`, or `quorate ctl`. */
  readonly program: string;
  readonly args: readonly string[];
}

const helpFlag: FlagSpec = {
  name: 'help',
  short: 'h',
  kind: 'boolean',
  default: 'false',
  help: 'show what the command takes',
};

const commonFlags: readonly FlagSpec[] = [...globalFlags, helpFlag];
const everyFlag = uniqueFlags([...commonFlags, ...verbs.flatMap(({ flags }) => flags)]);

function uniqueFlags(flags: readonly FlagSpec[]): readonly FlagSpec[] {
  return [...new Map(flags.map((flag) => [flag.name, flag])).values()];
}

/** Runs one command and returns its exit code. */
export async function runCtl(host: CtlHost): Promise<number> {
  const clients: Client[] = [];
  try {
    return await dispatch(host, clients);
  } catch (error) {
    return report(host, error);
  } finally {
    for (const client of clients) client.close();
  }
}

async function dispatch(host: CtlHost, clients: Client[]): Promise<number> {
  const words = host.args.map(wordOf);
  // Where flags end is known only with the verb, and the verb only without flags: so read once with all flags.
  const { rest, values: loose } = parseLoosely(words);
  if (rest[0]?.text === 'options') {
    writeText(host, formatGlobalFlags());
    return Exit.Success;
  }
  const withoutHelp = rest[0]?.text === 'help' ? rest.slice(1) : rest;
  const found = findVerb(host.program, verbs, withoutHelp);
  const wantsHelp = loose.boolean('help') || withoutHelp !== rest;
  if (found.kind === 'group') {
    writeText(host, formatVerbList(host.program, found.name, found.verbs));
    return Exit.Success;
  }
  const { verb } = found;
  if (wantsHelp) {
    writeText(host, formatVerbHelp(host.program, verb));
    return Exit.Success;
  }
  let parsed: ParsedWords;
  try {
    parsed = parseWords(words, [...commonFlags, ...verb.flags]);
    for (const variable of readEnvironment(parsed.values, host.environment)) {
      host.writeErr(`Warning: unrecognized environment variable ${variable}\n`);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    host.writeErr(`Error: ${error.message}\n${formatVerbUsage(host.program, verb)}\n`);
    return Exit.Error;
  }
  const args = parsed.rest.slice(rest.length - found.args.length);
  await verb.run(contextOf(host, parsed.values, clients), args);
  return Exit.Success;
}

/** Reads as much as can be read: what cannot is said better by the strict reading, once the verb is known. */
function parseLoosely(words: readonly Word[]): ParsedWords {
  const suspects = words.filter(({ text }) => text.startsWith('-'));
  for (const left of [undefined, ...suspects]) {
    try {
      return parseWords(
        left === undefined ? words : words.filter((word) => word !== left),
        everyFlag,
      );
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
  }
  return parseWords(
    words.filter(({ text }) => !text.startsWith('-')),
    everyFlag,
  );
}

function contextOf(host: CtlHost, values: FlagValues, clients: Client[]): VerbContext {
  // A comma too many names no endpoint.
  const endpoints = values.list('endpoints').filter((endpoint) => endpoint !== '');
  return {
    values,
    endpoints,
    words: host.args.map(wordOf),
    environment: host.environment,
    input: host.input,
    get printer() {
      return printerOf(values);
    },
    openClient: (only = endpoints) => {
      if (only.length === 0) {
        throw new CtlError(Exit.BadConnection, 'etcdclient: no available endpoints');
      }
      const refused = describeRefusedFlag(values);
      if (refused !== undefined) throw badArgs(refused);
      printerOf(values);
      const client = new Client({
        addresses: only.map(mustParseEndpoint),
        timeoutMs: values.durationMs('command-timeout'),
        dialTimeoutMs: values.durationMs('dial-timeout'),
        openChannel: host.openChannel,
        probe: host.probe,
      });
      clients.push(client);
      return client;
    },
    writeOut: (bytes) => host.writeOut(bytes),
    writeErr: (text) => host.writeErr(text),
    sleep: (durationMs) => host.sleep(durationMs),
    runProgram: (program, variables) => host.runProgram(program, variables),
    onInterrupt: (listener) => host.onInterrupt(listener),
  };
}

function mustParseEndpoint(endpoint: string): string {
  const parsed = parseEndpoint(endpoint);
  if (!parsed.ok) throw badArgs(parsed.problem);
  return parsed.address;
}

function printerOf(values: FlagValues): Printer {
  const hex = values.boolean('hex');
  switch (values.text('write-out')) {
    case 'simple':
      return simplePrinter({ hex, valueOnly: values.boolean('print-value-only') });
    case 'fields':
      return fieldsPrinter(hex);
    case 'json':
      return jsonPrinter(hex);
    case 'protobuf':
      return protobufPrinter;
    case 'table':
      return tablePrinter;
    default:
      throw badFeature('unsupported output format');
  }
}

function writeText(host: CtlHost, text: string): void {
  host.writeOut(wordOf(text).bytes);
}

function report(host: CtlHost, error: unknown): number {
  if (error instanceof CtlError) {
    if (error.message !== '') host.writeErr(`Error: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof ClientError) {
    if (error.detail !== '') host.writeErr(`Could not connect: ${error.detail}\n`);
    host.writeErr(`Error: ${describeClientError(error)}\n`);
    return Exit.Error;
  }
  throw error;
}
