/**
 * The form of a transcript: a command with its arguments, `----`, what it printed, an empty line. Lines that
 * begin with `#` speak to the reader. The idea is that of go.etcd.io/raft's testdata.
 */
export interface Command {
  readonly name: string;
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

export interface Block {
  /** Comments and the command line, as written. */
  readonly input: readonly string[];
  readonly command: Command | undefined;
  readonly output: readonly string[];
}

const divider = '----';

export function parseTranscript(text: string): readonly Block[] {
  const blocks: Block[] = [];
  for (const part of text.trimEnd().split(/\n\n+/)) {
    const lines = part.split('\n');
    const at = lines.indexOf(divider);
    const input = at < 0 ? lines : lines.slice(0, at);
    const commandLine = input.find((line) => !line.startsWith('#'));
    blocks.push({
      input,
      command: commandLine === undefined ? undefined : parseCommand(commandLine),
      output: at < 0 ? [] : lines.slice(at + 1),
    });
  }
  return blocks;
}

export function formatTranscript(blocks: readonly Block[]): string {
  const parts = blocks.map(({ input, command, output }) =>
    (command === undefined ? input : [...input, divider, ...output]).join('\n'),
  );
  return `${parts.join('\n\n')}\n`;
}

/** Words and `key=value` options; parentheses and double quotes hold blanks together. */
export function parseCommand(line: string): Command {
  const tokens = line.match(/(?:\([^)]*\)|"[^"]*"|[^\s("]+)+/g) ?? [];
  const words: string[] = [];
  const options = new Map<string, string>();
  for (const token of tokens.slice(1)) {
    const equals = token.indexOf('=');
    if (equals > 0) options.set(token.slice(0, equals), token.slice(equals + 1));
    else words.push(token.replaceAll('"', ''));
  }
  return { name: tokens[0] ?? '', words, options };
}

export function idOf(text: string | undefined): bigint {
  if (text === undefined) throw new Error('a member id is missing');
  return BigInt(text);
}

/** `(1 2 3)` as ids. */
export function idsOf(text: string | undefined): readonly bigint[] {
  return (text ?? '()').slice(1, -1).split(' ').filter(Boolean).map(BigInt);
}

export function numberOf(text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : Number(text);
}
