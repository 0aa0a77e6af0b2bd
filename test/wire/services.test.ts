import assert from 'node:assert/strict';
import type { ServiceDefinition } from '@grpc/proto-loader';
import { methods, type MethodKind } from '../../src/wire/services.ts';
import { definitions } from './second-opinion.ts';

describe('the methods of etcd', () => {
  it('are those of proto/, each with its kind', () => {
    const declared = Object.values(definitions)
      .filter((definition): definition is ServiceDefinition => !('format' in definition))
      .flatMap((service) => Object.values(service))
      .map(({ path, requestStream, responseStream }) => {
        const kind: MethodKind = requestStream ? 'bidi' : responseStream ? 'serverStream' : 'unary';
        return `${path} ${kind}`;
      });
    const known = methods.map(({ path, kind }) => `${path} ${kind}`);
    assert.deepEqual(known.sort(), declared.sort());
  });

  it('are 49 and the three of health checking', () => {
    const isHealth = (service: string) => service.startsWith('grpc.');
    assert.equal(methods.filter(({ service }) => !isHealth(service)).length, 49);
    assert.equal(methods.filter(({ service }) => isHealth(service)).length, 3);
  });

  it('have paths that name service and method', () => {
    for (const { path, service, name } of methods) assert.equal(path, `/${service}/${name}`);
  });
});
