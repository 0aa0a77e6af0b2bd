import { CtlError, Exit } from './exit.ts';
import type { Verb } from './verb.ts';
import type { Word } from './word.ts';

export type FoundVerb =
  | { readonly kind: 'verb'; readonly verb: Verb; readonly args: readonly Word[] }
  /** A group such as `endpoint` alone, or nothing at all (the empty name): the verbs to choose from. */
  | { readonly kind: 'group'; readonly name: string; readonly verbs: readonly Verb[] };

/** Commands of etcdctl that are not among ours. */
const notBuilt: ReadonlySet<string> = new Set([
  'auth',
  'downgrade',
  'make-mirror',
  'role',
  'snapshot',
  'user',
]);

/** The same, but the server does what etcdctl asks of it there. */
const etcdctlWorks: ReadonlySet<string> = new Set(['check', 'completion']);

/** The verb that the first words name; a beginning is enough where only one verb has it, as in etcdctl. */
export function findVerb(
  program: string,
  verbs: readonly Verb[],
  words: readonly Word[],
): FoundVerb {
  const [first, second] = words;
  if (first === undefined) return { kind: 'group', name: '', verbs };
  refuseNotBuilt(first.text, second?.text);
  const group = narrow(verbs, 0, first.text);
  if (group.length === 0) throw new CtlError(Exit.Error, describeUnknown(program, first.text));
  const [only, another] = group;
  if (only !== undefined && another === undefined && !only.name.includes(' ')) {
    return { kind: 'verb', verb: only, args: words.slice(1) };
  }
  const name = only?.name.split(' ')[0] ?? '';
  if (second === undefined) return { kind: 'group', name, verbs: group };
  const [found, ambiguous] = narrow(group, 1, second.text);
  // etcdctl shows a group's help for a word it does not know.
  if (found === undefined || ambiguous !== undefined) {
    return { kind: 'group', name, verbs: group };
  }
  return { kind: 'verb', verb: found, args: words.slice(2) };
}

/** The verbs whose word at `at` is `text`, or else those in which it begins so, if they are one group. */
function narrow(verbs: readonly Verb[], at: 0 | 1, text: string): readonly Verb[] {
  const wordAt = (verb: Verb): string => verb.name.split(' ')[at] ?? '';
  const exact = verbs.filter((verb) => wordAt(verb) === text);
  if (exact.length > 0) return exact;
  const begun = verbs.filter((verb) => wordAt(verb).startsWith(text));
  return new Set(begun.map(wordAt)).size === 1 ? begun : [];
}

/** @throws CtlError */
function refuseNotBuilt(first: string, second: string | undefined): void {
  for (const name of [`${first} ${second ?? ''}`, first]) {
    if (notBuilt.has(name)) throw new CtlError(Exit.Error, `${name} is not built yet`);
    if (etcdctlWorks.has(name)) {
      throw new CtlError(Exit.Error, `${name} is not built yet: etcdctl's works`);
    }
  }
}

function describeUnknown(program: string, name: string): string {
  return `unknown command ${JSON.stringify(name)} for "${program}"\nRun '${program} --help' for usage.`;
}
