import { enumeration, message, nested, repeatedNested, string, type MessageOf } from './message.ts';

/** Package grpc.health.v1 (gRPC health checking protocol). */

export const ServingStatus = {
  UNKNOWN: 0,
  SERVING: 1,
  NOT_SERVING: 2,
  SERVICE_UNKNOWN: 3,
} as const;

export const HealthCheckRequest = message('grpc.health.v1.HealthCheckRequest', {
  service: string(1),
});
export type HealthCheckRequest = MessageOf<typeof HealthCheckRequest>;

export const HealthCheckResponse = message('grpc.health.v1.HealthCheckResponse', {
  status: enumeration(1),
});
export type HealthCheckResponse = MessageOf<typeof HealthCheckResponse>;

export const HealthListRequest = message('grpc.health.v1.HealthListRequest', {});

/** A map's entry: `map<string, HealthCheckResponse> statuses = 1`. */
const StatusesEntry = message('grpc.health.v1.HealthListResponse.StatusesEntry', {
  key: string(1),
  value: nested(2, HealthCheckResponse),
});

export const HealthListResponse = message('grpc.health.v1.HealthListResponse', {
  statuses: repeatedNested(1, StatusesEntry),
});
export type HealthListResponse = MessageOf<typeof HealthListResponse>;
