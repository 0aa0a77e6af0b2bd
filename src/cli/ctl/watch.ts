import { utf8 } from '../../base/bytes.ts';
import { describeClientError } from '../../client/client-error.ts';
import { Watcher, type Watch } from '../../client/watcher.ts';
import type { DecodedEvent } from '../../wire/mvccpb.ts';
import type { WatchResponse } from '../../wire/watch.ts';
import { describeEventType } from './enum-names.ts';
import { CtlError, Exit } from './exit.ts';
import { quote, quoteText } from './go-text.ts';
import { describeFailure } from './program-end.ts';
import { show } from './show.ts';
import type { Verb, VerbContext } from './verb.ts';
import { watchInteractively } from './watch-interactive.ts';
import { parseWatchLine, readWatchKeys, watchFlags, watchRequest } from './watch-request.ts';
import type { Word } from './word.ts';

export const watch: Verb = {
  name: 'watch',
  usage: 'watch [options] [<key> [range_end]] [-- program and its arguments]',
  summary: 'Shows what happens to a key or a range of keys, until it is interrupted',
  flags: watchFlags,
  run: async (context, args) => {
    const defaultKeys = readWatchKeys(context.environment);
    if (context.values.boolean('interactive')) {
      return watchInteractively(context, defaultKeys, follow);
    }
    const separator = context.words.findIndex(({ text }) => text === '--');
    const program = separator < 0 ? [] : context.words.slice(separator);
    const keys = args.slice(0, args.length - Math.max(0, program.length - 1));
    const line = parseWatchLine([...keys, ...program], defaultKeys);
    const request = watchRequest({ ...line, values: context.values });
    const watcher = new Watcher(context.openClient(), context);
    await follow(context, watcher.watch(request), line.program);
    throw new CtlError(Exit.Interrupted, 'watch is canceled by the server');
  },
};

/** Shows all that a watch tells, until its end. @throws CtlError */
async function follow(
  context: VerbContext,
  watching: Watch,
  program: readonly Word[],
): Promise<void> {
  for await (const { response, error } of watching) {
    if (response.canceled) {
      const reason = error === undefined ? '<nil>' : describeClientError(error);
      context.writeErr(`watch was canceled (${reason})\n`);
    }
    if (isProgress(response)) {
      context.writeOut(utf8(`progress notify: ${response.header?.revision ?? 0}\n`));
    }
    show(context, context.printer.watch(response));
    if (program.length === 0) continue;
    for (const event of response.events) await runFor(context, program, event, response);
  }
}

function isProgress({ header, events, canceled, compactRevision }: WatchResponse): boolean {
  return events.length === 0 && !canceled && compactRevision === 0 && header?.revision !== 0;
}

async function runFor(
  context: VerbContext,
  program: readonly Word[],
  { type, kv }: DecodedEvent,
  { header }: WatchResponse,
): Promise<void> {
  const words = program.map(({ text }) => text);
  const end = await context.runProgram(words, {
    ETCD_WATCH_REVISION: String(header?.revision ?? 0),
    ETCD_WATCH_EVENT_TYPE: quoteText(describeEventType(type)),
    ETCD_WATCH_KEY: quote(kv?.key ?? new Uint8Array()),
    ETCD_WATCH_VALUE: quote(kv?.value ?? new Uint8Array()),
  });
  const problem = describeFailure(words[0] ?? '', end);
  if (problem === undefined) return;
  context.writeErr(`command [${words.map(quoteText).join(' ')}] error (${problem})\n`);
  throw new CtlError(Exit.Error, '');
}
