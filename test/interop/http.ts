import { request } from 'node:http';
import type { Cluster } from '../members/harness.ts';
import type { Report } from './report.ts';

/** What probes and people with curl ask of the client port: every answer compared with etcd's. */

const requests: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/health'],
  ['POST', '/health'],
  ['GET', '/health?serializable=true'],
  ['GET', '/health?exclude=NOSPACE'],
  ['GET', '/livez'],
  ['GET', '/livez?verbose'],
  ['GET', '/livez/serializable_read'],
  ['POST', '/livez'],
  ['GET', '/readyz'],
  ['GET', '/readyz?verbose'],
  ['GET', '/readyz?exclude=data_corruption&verbose'],
  ['GET', '/readyz?exclude=nothing'],
  ['GET', '/readyz/data_corruption'],
  ['GET', '/readyz/linearizable_read'],
  ['GET', '/readyz/non_learner'],
  ['GET', '/readyz/nothing'],
  ['GET', '/version'],
  ['POST', '/version'],
  ['GET', '/'],
  ['GET', '/nothing'],
];

export async function runHttpSuite(
  subject: Cluster,
  reference: Cluster,
  report: Report,
): Promise<void> {
  for (const [i, member] of subject.members.entries()) {
    for (const [method, path] of requests) {
      const other = reference.members[i] ?? member;
      const [got, wanted] = await Promise.all([
        ask(member.clientUrl, method, path),
        ask(other.clientUrl, method, path),
      ]);
      const why = got === wanted ? undefined : `got\n${got}\nbut etcd answered\n${wanted}`;
      report.note(`${member.name}: ${method} ${path}`, why);
    }
  }
}

/** Headers that say something about the answer rather than about the connection. */
const comparedHeaders = ['content-type', 'allow', 'x-content-type-options'] as const;
const timeoutMs = 10_000;

function ask(url: string, method: string, path: string): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(url + path, { method, timeout: timeoutMs }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => {
        const headers = comparedHeaders.map((name) => `${name}: ${response.headers[name] ?? ''}`);
        // etcd names the checks of a verbose answer in any order (it walks a map).
        const lines = path.includes('verbose') ? body.split('\n').sort() : [body];
        resolve([response.statusCode, ...headers, ...lines].join('\n'));
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    sent.on('error', (error) => resolve(`error: ${error.message}`));
    sent.end();
  });
}
