/** What the members' own logs say of a run: which program they are, their ids, and who led when. */

/** In milliseconds since 1970, by the clock of that member. */
export interface Leadership {
  readonly member: string;
  readonly term: string;
  readonly startMs: number;
  /** Undefined: to the end. */
  readonly endMs: number | undefined;
}

export interface RunFacts {
  /** `quorate 0.1.0 (as etcd 3.7.3), Node v20.20.2`; undefined: no log says. */
  readonly program: string | undefined;
  /** How the first member was started. */
  readonly command: string | undefined;
  /** Those who came in its place later have other ids. */
  readonly members: readonly { readonly name: string; readonly ids: readonly string[] }[];
  /** By start. */
  readonly leaders: readonly Leadership[];
}

export interface MemberLog {
  readonly member: string;
  readonly text: string;
}

export const noFacts: RunFacts = {
  program: undefined,
  command: undefined,
  members: [],
  leaders: [],
};

type Entry = { readonly [name: string]: unknown };

/** Lines with none of these say nothing that is looked for. */
const concerning = /leader|became |Running|starting|restarting|started|shutting down|killed by/;
/** What the harness writes into the log of a member that it kills. */
const killed = /^--- killed by the test .* at (\S+) ---$/;

/** Both programs begin so, with their flags. */
const starting = 'Running: ';

export function factsOf(logs: readonly MemberLog[]): RunFacts {
  const parsed = logs.map(({ member, text }) => ({ member, ...parseLog(member, text) }));
  const all = parsed.flatMap(({ entries }) => entries);
  const running = all.find(({ msg }) => msg === starting);
  const args = running?.['args'];
  return {
    program: programOf(all),
    command: Array.isArray(args) ? args.join(' ') : undefined,
    members: parsed.map(({ member, ids }) => ({ name: member, ids })),
    leaders: parsed.flatMap(({ leaders }) => leaders).sort((a, b) => a.startMs - b.startMs),
  };
}

function programOf(entries: readonly Entry[]): string | undefined {
  const own = entries.find((each) => each['quorate-version'] !== undefined);
  if (own !== undefined) {
    const { 'quorate-version': version, 'etcd-version': as, 'node-version': node } = own;
    return `quorate ${String(version)} (as etcd ${String(as)}), Node ${String(node)}`;
  }
  const etcd = entries.find((each) => each['local-server-version'] !== undefined);
  return etcd === undefined ? undefined : `etcd ${String(etcd['local-server-version'])}`;
}

interface ParsedLog {
  readonly entries: readonly Entry[];
  readonly ids: readonly string[];
  readonly leaders: readonly Leadership[];
}

function parseLog(member: string, text: string): ParsedLog {
  const entries: Entry[] = [];
  const ids = new Set<string>();
  const leaders: Leadership[] = [];
  let led: { readonly term: string; readonly startMs: number } | undefined;
  let lastMs = 0;
  const end = (endMs: number): void => {
    if (led !== undefined) leaders.push({ member, ...led, endMs });
    led = undefined;
  };
  for (const line of text.split('\n')) {
    const [, killedAt] = killed.exec(line) ?? [];
    if (killedAt !== undefined) end(Date.parse(killedAt));
    const entry = line.startsWith('{') ? entryOf(line) : undefined;
    if (entry === undefined) continue;
    const atMs = Date.parse(String(entry['ts']));
    if (concerning.test(line)) {
      entries.push(entry);
      const id = entry['local-member-id'];
      if (typeof id === 'string') ids.add(id);
      const role = roleIn(entry);
      // A new life ends what the last one was, which had no time to say so.
      if (role !== undefined) end(role.kind === 'begins' ? lastMs : atMs);
      if (role?.kind === 'leads') led = { term: role.term, startMs: atMs };
    }
    lastMs = atMs;
  }
  if (led !== undefined) leaders.push({ member, ...led, endMs: undefined });
  return { entries, ids: [...ids], leaders };
}

type Role =
  | { readonly kind: 'leads'; readonly term: string }
  | { readonly kind: 'leads not' }
  | { readonly kind: 'begins' };

/** Undefined: the line says nothing of it. */
function roleIn(entry: Entry): Role | undefined {
  const msg = String(entry['msg']);
  if (msg === 'starting a member' || msg === starting) return { kind: 'begins' };
  if (msg === 'a leader is known' || msg === 'lost the leader') {
    return entry['state'] === 'leader'
      ? { kind: 'leads', term: String(entry['term']) }
      : { kind: 'leads not' };
  }
  // etcd: raft.go says so of itself.
  const became = /^[0-9a-f]+ became (\S+) at term (\d+)/.exec(msg);
  if (became !== null) {
    const [, role, term = ''] = became;
    return role === 'leader' ? { kind: 'leads', term } : { kind: 'leads not' };
  }
  return /shutting down|received signal/.test(msg) ? { kind: 'leads not' } : undefined;
}

function entryOf(line: string): Entry | undefined {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    // The end of a line was lost when the member was killed.
    return undefined;
  }
}
