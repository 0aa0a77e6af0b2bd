import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { commands } from './transcript/commands/index.ts';
import { Env } from './transcript/env.ts';
import { formatTranscript, parseTranscript, type Block } from './transcript/parse.ts';

/** The scenarios in testdata/*.txt: commands and what they print. REWRITE=1 writes what they print now. */
const testdata = new URL('../../../test/raft/testdata/', import.meta.url);

function replay(text: string): string {
  const env = new Env();
  const blocks = parseTranscript(text).map((block): Block => {
    const { command } = block;
    if (command === undefined) return block;
    const handler = commands[command.name];
    assert(handler !== undefined, `no command is called ${command.name}`);
    handler(env, command);
    return { ...block, output: env.takeOutput() };
  });
  return formatTranscript(blocks);
}

describe('transcripts', () => {
  for (const name of readdirSync(testdata).sort()) {
    it(name.replace('.txt', '').replaceAll('-', ' '), () => {
      const file = new URL(name, testdata);
      const text = readFileSync(file, 'utf8');
      const replayed = replay(text);
      if (process.env.REWRITE === '1') writeFileSync(file, replayed);
      else assert.equal(replayed, text);
    });
  }
});
