import { Watcher, type Watch } from '../../client/watcher.ts';
import { CtlError, invalidInput } from './exit.ts';
import { splitWords } from './split-words.ts';
import type { VerbContext } from './verb.ts';
import { parseWatchLine, watchRequest, type WatchLine } from './watch-request.ts';
import type { Word } from './word.ts';

type Follow = (context: VerbContext, watching: Watch, program: readonly Word[]) => Promise<void>;

/** Takes watches from stdin, a line each, and shows all of them (ctlv3/command/watch_command.go). */
export async function watchInteractively(
  context: VerbContext,
  defaultKeys: readonly Word[],
  follow: Follow,
): Promise<void> {
  const watcher = new Watcher(context.openClient(), context);
  await new Promise<void>((_resolve, reject) => {
    const open = ({ keys, values, program }: WatchLine): void => {
      const watching = watcher.watch(watchRequest({ keys, values, program }));
      follow(context, watching, program).catch(reject);
    };
    readLines(context, defaultKeys, watcher, open).catch(reject);
  });
}

/** @throws CtlError at the end of the input */
async function readLines(
  context: VerbContext,
  defaultKeys: readonly Word[],
  watcher: Watcher,
  open: (line: WatchLine) => void,
): Promise<never> {
  for (;;) {
    const line = await context.input.readLine();
    if (line === undefined) throw invalidInput('error reading watch request line: EOF');
    const words = splitWords(line);
    if (words === undefined) throw invalidInput('invalid syntax');
    const [name, ...rest] = words;
    if (name === undefined) {
      context.writeErr(`Invalid command: ${line} (watch and progress supported)\n`);
    } else if (name.text === 'progress') {
      watcher.requestProgress();
    } else if (name.text !== 'watch') {
      context.writeErr(`Invalid command ${line} (only support watch)\n`);
    } else if (rest.length === 0 && defaultKeys.length === 0) {
      context.writeErr(`Invalid command ${line} (command type or key is not provided)\n`);
    } else openLine(context, line, parseWatchLine(rest, defaultKeys), open);
  }
}

function openLine(
  context: VerbContext,
  line: string,
  parsed: WatchLine,
  open: (line: WatchLine) => void,
): void {
  try {
    open(parsed);
  } catch (error) {
    if (!(error instanceof CtlError)) throw error;
    context.writeErr(`Invalid command ${line} (${error.message})\n`);
  }
}
