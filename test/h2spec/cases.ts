import { assert } from '../../src/base/assert.ts';

/** One case of h2spec, as its report tells of it. */
export interface Case {
  /** Section and title, for example `http2/5.1.1: Sends even-numbered stream identifier`. */
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Where it failed, what was expected and what came. */
  readonly details: string;
}

/** Cases that cannot apply to a server of gRPC, with the reason. Any other has to pass, and none of these may. */
const noBody =
  'it waits for a body: a request that is no call of gRPC is answered by headers alone';
const noConcurrency =
  'its requests are no calls of gRPC: each is answered and over before the next';
const onePort = 'the port speaks HTTP/1.1 too, and answers what is not the preface in it';

export const inapplicable: ReadonlyMap<string, string> = new Map([
  ['generic/2: Sends a WINDOW_UPDATE frame on half-closed (remote) stream', noBody],
  ['generic/2: Sends a PRIORITY frame on half-closed (remote) stream', noBody],
  ['http2/3.5: Sends invalid connection preface', onePort],
  [
    'http2/5.1.2: Sends HEADERS frames that causes their advertised concurrent stream limit to be exceeded',
    noConcurrency,
  ],
  ['http2/6.5.3: Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE', noBody],
  [
    'http2/6.9.1: Sends SETTINGS frame to set the initial window size to 1 and sends HEADERS frame',
    noBody,
  ],
  ['http2/6.9.2: Changes SETTINGS_INITIAL_WINDOW_SIZE after sending HEADERS frame', noBody],
  ['http2/6.9.2: Sends a SETTINGS frame for window size to be negative', noBody],
]);

const suite = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g;

/** Reads the report that h2spec writes in the format of JUnit. */
export function parseReport(xml: string): readonly Case[] {
  const cases = [...xml.matchAll(suite)].map(([, section, title, body]): Case => {
    assert(section !== undefined && title !== undefined && body !== undefined, 'a case has parts');
    // Bytes that came are quoted as they are.
    const quoted = unescapeXml(body.replace(/<[^>]*>/g, '')).trim();
    const details = quoted.replace(/[^\x20-\x7e\n]/g, '.');
    const isSkipped = /<skipped/.test(body);
    const isFailed = /<(error|failure)/.test(body);
    const outcome = isSkipped ? 'skipped' : isFailed ? 'failed' : 'passed';
    return { name: `${section}: ${unescapeXml(title)}`, outcome, details: details || outcome };
  });
  const announced = [...xml.matchAll(/<testsuite [^>]*\btests="(\d+)"/g)];
  const count = announced.reduce((sum, [, tests]) => sum + Number(tests), 0);
  assert(cases.length === count, `h2spec tells of ${count} cases, ${cases.length} can be read`);
  return cases;
}

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

function unescapeXml(text: string): string {
  return text
    .replace(/&#(x[0-9a-fA-F]+|\d+);/g, (_, code: string) =>
      String.fromCodePoint(
        code.startsWith('x') ? Number.parseInt(code.slice(1), 16) : Number(code),
      ),
    )
    .replace(/&(lt|gt|amp|quot|apos);/g, (whole, name: string) => entities[name] ?? whole);
}
