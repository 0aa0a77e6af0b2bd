import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { createHttpHandlers, type HttpHandlers, type HttpOptions } from '../../src/api/http.ts';
import { silentLogger } from '../../src/host/logger.ts';
import { createMetrics } from '../../src/host/metrics-registry.ts';
import type { Metrics } from '../../src/host/metrics.ts';
import { errors, failed } from '../../src/wire/errors.ts';
import { FakeMember } from './fake-member.ts';
import { sampleOf } from './services.ts';

interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The handlers of one member behind a real HTTP server on loopback. */
class Site {
  readonly member = new FakeMember();
  readonly metrics: Metrics = createMetrics();
  readonly handlers: HttpHandlers;
  private readonly server: Server;

  constructor(options: Partial<HttpOptions> = {}, which: keyof HttpHandlers = 'client') {
    this.handlers = createHttpHandlers({
      member: this.member,
      metrics: this.metrics,
      logger: silentLogger,
      corsOrigins: ['*'],
      hostWhitelist: ['*'],
      ...options,
    });
    this.server = createServer(this.handlers[which]).listen(0, '127.0.0.1');
  }

  async get(path: string, { method = 'GET', headers = {} }: Request = {}): Promise<Response> {
    if (!this.server.listening) await once(this.server, 'listening');
    const { port } = this.server.address() as AddressInfo;
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false });
    request.end();
    const [response] = await once(request, 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
  }

  close(): void {
    this.server.close();
  }
}

const healthy = '{"health":"true","reason":""}';
const version = '{"etcdserver":"3.7.3","etcdcluster":"3.7.0","storage":"3.7.0"}';
const notFound = '404 page not found\n';
const notAllowed = 'Method Not Allowed\n';
const readyz =
  '[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\n';

/** As etcd 3.7.3 answers; the order of its readyz lines is random there. */
const healthyAnswers: readonly (readonly [request: string, status: number, body: string])[] = [
  ['GET /health', 200, healthy],
  ['GET /health?serializable=true', 200, healthy],
  ['GET /health?exclude=NOSPACE&exclude=CORRUPT', 200, healthy],
  ['GET /health?exclude=%zz', 200, healthy],
  ['GET /livez', 200, 'ok\n'],
  ['GET /livez?verbose', 200, '[+]serializable_read ok\nok\n'],
  ['GET /livez/serializable_read', 200, 'ok\n'],
  ['GET /readyz', 200, 'ok\n'],
  ['GET /readyz?verbose', 200, `${readyz}ok\n`],
  [
    'GET /readyz?verbose&exclude=non_learner&exclude=nope',
    200,
    `${readyz.replace('[+]non_learner ok\n', '')}ok\n`,
  ],
  ['GET /readyz/linearizable_read?verbose', 200, '[+]linearizable_read ok\nok\n'],
  ['GET /readyz/data_corruption', 200, 'ok\n'],
  ['GET /readyz/non_learner', 200, 'ok\n'],
  ['GET /readyz/nope', 404, notFound],
  ['GET /livez/linearizable_read', 404, notFound],
  ['GET /livez/', 404, notFound],
  ['GET /version', 200, version],
  ['GET /', 404, notFound],
  ['GET /health/', 404, notFound],
  ['GET http://elsewhere/health', 200, healthy],
  ['GET http://[', 400, '400 Bad Request\n'],
  ['POST /health', 405, notAllowed],
  ['HEAD /livez', 405, ''],
  ['PUT /readyz', 405, notAllowed],
  ['DELETE /version', 405, notAllowed],
  ['POST /nope', 404, notFound],
  ['OPTIONS /health', 200, ''],
  ['OPTIONS /nope', 200, ''],
];

describe('HTTP on the client URLs', () => {
  for (const [request, status, body] of healthyAnswers) {
    it(`${request}: ${status}`, async () => {
      const site = new Site();
      const [method = '', path = ''] = request.split(' ');
      const answer = await site.get(path, { method });
      assert.deepEqual([answer.status, answer.body.toString()], [status, body]);
      assert.equal(answer.headers.allow, status === 405 ? 'GET' : undefined);
      assert.equal(answer.headers['access-control-allow-origin'], '*');
      site.close();
    });
  }

  it('says why it is not healthy, and counts that', async () => {
    const site = new Site();
    site.member.lead = 0n;
    const noLeader = await site.get('/health');
    assert.equal(noLeader.status, 503);
    assert.equal(noLeader.body.toString(), '{"health":"false","reason":"RAFT NO LEADER"}\n');
    assert.equal((await site.get('/health?serializable=true')).status, 200);
    site.member.lead = 0xb2n;
    site.member.readOutcome = failed(errors.timeout);
    const { body } = await site.get('/health');
    const reason = 'RANGE ERROR:etcdserver: request timed out';
    assert.equal(body.toString(), `{"health":"false","reason":"${reason}"}\n`);
    assert.equal(sampleOf(site.metrics, 'etcd_server_health_failures'), 2);
    assert.equal(sampleOf(site.metrics, 'etcd_server_health_success'), 1);
    site.close();
  });

  it('is not healthy while an alarm is in force that is not excluded', async () => {
    const site = new Site();
    const bodyOf = async (query: string): Promise<string> =>
      (await site.get(`/health${query}`)).body.toString();
    const unhealthy = (reason: string): string => `{"health":"false","reason":"${reason}"}\n`;
    site.member.raised = [{ memberId: 1n, alarm: 1 }];
    assert.equal(await bodyOf(''), unhealthy('ALARM NOSPACE'));
    assert.equal(await bodyOf('?serializable=true'), unhealthy('ALARM NOSPACE'));
    assert.equal(await bodyOf('?exclude=CORRUPT'), unhealthy('ALARM NOSPACE'));
    assert.equal(await bodyOf('?exclude=NOSPACE'), healthy);
    site.member.raised = [...site.member.raised, { memberId: 0n, alarm: 2 }];
    assert.equal(await bodyOf('?exclude=NOSPACE'), unhealthy('ALARM CORRUPT'));
    assert.equal(await bodyOf('?exclude=NOSPACE&exclude=CORRUPT'), healthy);
    site.member.raised = [{ memberId: 1n, alarm: 7 }];
    assert.equal(await bodyOf(''), unhealthy('ALARM UNKNOWN'));
    assert.equal(await bodyOf('?exclude=7'), healthy);
    site.member.lead = 0n;
    assert.equal(await bodyOf(''), unhealthy('ALARM UNKNOWN'), 'alarms come first');
    site.close();
  });

  it('is not ready while a member is said to be corrupt; a lack of space does not matter there', async () => {
    const site = new Site();
    const failure = '[-]data_corruption failed: alarm activated: CORRUPT';
    site.member.raised = [{ memberId: 1n, alarm: 1 }];
    assert.equal((await site.get('/readyz')).status, 200);
    site.member.raised = [{ memberId: 1n, alarm: 2 }];
    const { status, body } = await site.get('/readyz');
    assert.equal(status, 503);
    assert.equal(body.toString(), `${readyz.replace('[+]data_corruption ok', failure)}\n`);
    const alone = await site.get('/readyz/data_corruption');
    assert.deepEqual([alone.status, alone.body.toString()], [503, `${failure}\n\n`]);
    assert.equal((await site.get('/readyz?exclude=data_corruption')).status, 200);
    assert.equal((await site.get('/livez')).status, 200, 'it is alive and may be asked');
    site.close();
  });

  it('lists all checks of a probe when one fails, verbose or not', async () => {
    const site = new Site();
    site.member.readOutcome = failed(errors.noLeader);
    site.member.isLearner = true;
    const { status, body } = await site.get('/readyz');
    assert.equal(status, 503);
    assert.equal(
      body.toString(),
      '[+]data_corruption ok\n[+]serializable_read ok\n' +
        '[-]linearizable_read failed: etcdserver: no leader\n' +
        '[-]non_learner failed: not supported for learner\n\n',
    );
    assert.equal(
      (await site.get('/readyz?exclude=linearizable_read&exclude=non_learner')).status,
      200,
    );
    assert.equal((await site.get('/readyz/non_learner')).status, 503);
    assert.equal((await site.get('/livez')).status, 200, 'a member without a leader is alive');
    const check = 'name="linearizable_read"';
    assert.equal(sampleOf(site.metrics, `etcd_server_healthcheck{${check},type="readyz"}`), 0);
    const total = `etcd_server_healthchecks_total{${check},status="error",type="readyz"}`;
    assert.equal(sampleOf(site.metrics, total), 1);
    site.close();
  });

  it('shows the metrics, compressed when the client can take it', async () => {
    const site = new Site();
    const plain = await site.get('/metrics', { method: 'POST' });
    assert.match(String(plain.headers['content-type']), /^text\/plain; version=0\.0\.4/);
    assert.match(plain.body.toString(), /^etcd_server_health_success 0$/m);
    const packed = await site.get('/metrics', { headers: { 'Accept-Encoding': 'deflate, gzip' } });
    assert.equal(packed.headers['content-encoding'], 'gzip');
    assert.deepEqual(gunzipSync(packed.body), plain.body);
    site.close();
  });

  it('refuses hosts that are not on the list, which keeps out DNS rebinding', async () => {
    const site = new Site({ hostWhitelist: ['etcd.example', '::1'] });
    const statusOf = async (host: string): Promise<number> =>
      (await site.get('/version', { headers: { Host: host } })).status;
    assert.equal(await statusOf('etcd.example'), 200);
    assert.equal(await statusOf('etcd.example:2379'), 200);
    assert.equal(await statusOf('[::1]:2379'), 200);
    assert.equal(await statusOf('evil.example'), 421);
    site.close();
  });

  it('lets browsers in from the listed origins alone', async () => {
    const site = new Site({ corsOrigins: ['https://ui.example'] });
    const allowed = async (Origin: string): Promise<string | undefined> =>
      (await site.get('/version', { headers: { Origin } })).headers['access-control-allow-origin'];
    assert.equal(await allowed('https://ui.example'), 'https://ui.example');
    assert.equal(await allowed('https://evil.example'), undefined);
    site.close();
  });
});

describe('HTTP on the metrics URLs', () => {
  it('has health and metrics, but neither the version nor access control', async () => {
    const site = new Site({ hostWhitelist: ['nobody'] }, 'metrics');
    const statusOf = async (path: string, method = 'GET'): Promise<number> =>
      (await site.get(path, { method })).status;
    assert.equal(await statusOf('/health'), 200);
    assert.equal(await statusOf('/readyz'), 200);
    assert.equal(await statusOf('/metrics'), 200);
    assert.equal(await statusOf('/version'), 404);
    assert.equal(await statusOf('/health', 'OPTIONS'), 405);
    site.close();
  });
});
