import { textOf } from '../../base/bytes.ts';
import { unquote } from './go-text.ts';
import { wordOf, type Word } from './word.ts';

/**
 * Bare words, 'single' and "double" quoted ones (ctlv3/command/util.go, Argify); undefined when a quoted one is
 * malformed.
 */
export function splitWords(line: string): readonly Word[] | undefined {
  const words: Word[] = [];
  for (const [found] of line.matchAll(/"(?:[^"\\]|\\.)*"|'[^']*'|[^'"\s]\S*[^'"\s]?/g)) {
    if (found.startsWith("'")) words.push(wordOf(found.slice(1, -1)));
    else if (found.startsWith('"')) {
      const bytes = unquote(found);
      if (bytes === undefined) return undefined;
      words.push({ text: textOf(bytes), bytes });
    } else words.push(wordOf(found));
  }
  return words;
}
