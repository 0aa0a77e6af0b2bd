/**
 * What a member is started with: plain values, checked. The command line, the environment and the config file are
 * parsed into this once (`parse-server-config.ts`); those who embed a server build it from `defaultServerConfig`.
 * URLs are texts in the form `scheme://host:port` or `unix://path`, sorted as etcd sorts them; durations are
 * milliseconds.
 */

export interface InitialMember {
  readonly name: string;
  readonly peerUrl: string;
}

/** `existing` is a member that joins; the data dir has the last word on whether it may start. */
export type ClusterState = 'new' | 'existing';
/** What is kept of the history: the last so many milliseconds, or revisions. */
export type AutoCompaction =
  | { readonly mode: 'off' }
  | { readonly mode: 'periodic'; readonly periodMs: number }
  | { readonly mode: 'revision'; readonly revisions: number };
export type LogLevelName = 'debug' | 'info' | 'warn' | 'error' | 'panic' | 'fatal';
export type LogFormat = 'json' | 'console';
/** Which of the two gRPC engines serves clients and members, and calls members. */
export type GrpcEngine = 'fast' | 'grpc-js';

export interface ServerConfig {
  readonly name: string;
  /** Absolute, or relative to the working folder. */
  readonly dataDir: string;

  readonly listenPeerUrls: readonly string[];
  readonly listenClientUrls: readonly string[];
  /** HTTP only; when there are any, the client URLs serve gRPC alone. */
  readonly listenClientHttpUrls: readonly string[];
  /** /metrics and the health endpoints, beside the client URLs. */
  readonly listenMetricsUrls: readonly string[];
  readonly initialAdvertisePeerUrls: readonly string[];
  readonly advertiseClientUrls: readonly string[];

  /** One row per peer URL: a member with two URLs has two rows. */
  readonly initialCluster: readonly InitialMember[];
  readonly initialClusterToken: string;
  readonly initialClusterState: ClusterState;
  /** Refuses changes of the members that could cost the quorum. */
  readonly strictReconfigCheck: boolean;
  readonly maxLearners: number;
  /** Makes a cluster of one from the data of this member, for good: what the others have is given up. */
  readonly forceNewCluster: boolean;
  readonly preVote: boolean;
  /** One tick. */
  readonly heartbeatIntervalMs: number;
  /** At least five heartbeat intervals, at most 50 s. */
  readonly electionTimeoutMs: number;
  /** Entries kept in the log behind what the store has synced, so that a slow follower needs no snapshot. */
  readonly snapshotCatchupEntries: number;

  /** Bytes the store may hold; 0 means the default of 2 GiB, below 0 no limit. */
  readonly quotaBackendBytes: number;
  readonly backendBatchIntervalMs: number;
  readonly backendBatchLimit: number;
  /** Revisions that one slice of a compaction deletes at most. */
  readonly compactionBatchLimit: number;
  readonly compactionSleepIntervalMs: number;

  readonly autoCompaction: AutoCompaction;
  /** Compare the own hash with those of the others before serving. */
  readonly initialCorruptCheck: boolean;
  /** How often the leader compares the hashes of all members; 0 is never. */
  readonly corruptCheckTimeMs: number;
  readonly compactHashCheck: boolean;
  /** How often the leader compares the hashes that members keep of their compactions. */
  readonly compactHashCheckTimeMs: number;

  readonly maxTxnOps: number;
  readonly maxRequestBytes: number;
  readonly maxConcurrentStreams: number;
  readonly grpcKeepAliveMinTimeMs: number;
  /** 0 switches the server's own pings off. */
  readonly grpcKeepAliveIntervalMs: number;
  readonly grpcKeepAliveTimeoutMs: number;
  readonly grpcEngine: GrpcEngine;

  readonly warningApplyDurationMs: number;
  /** Write down what is left of leases, so that it outlives a change of leader (gate LeaseCheckpoint). */
  readonly leaseCheckpoint: boolean;
  /** 0 means the default. */
  readonly watchProgressNotifyIntervalMs: number;
  readonly logLevel: LogLevelName;
  readonly logFormat: LogFormat;
  /** `default` and `stderr`, `stdout`, or the path of a file that is appended to. */
  readonly logOutputs: readonly string[];
}

/** etcd's defaults (server/embed/config.go, NewConfig): one member named `default` on loopback. */
export function defaultServerConfig(): ServerConfig {
  return {
    name: 'default',
    dataDir: 'default.etcd',
    listenPeerUrls: ['http://localhost:2380'],
    listenClientUrls: ['http://localhost:2379'],
    listenClientHttpUrls: [],
    listenMetricsUrls: [],
    initialAdvertisePeerUrls: ['http://localhost:2380'],
    advertiseClientUrls: ['http://localhost:2379'],
    initialCluster: [{ name: 'default', peerUrl: 'http://localhost:2380' }],
    initialClusterToken: 'etcd-cluster',
    initialClusterState: 'new',
    strictReconfigCheck: true,
    maxLearners: 1,
    forceNewCluster: false,
    preVote: true,
    heartbeatIntervalMs: 100,
    electionTimeoutMs: 1000,
    snapshotCatchupEntries: 5000,
    quotaBackendBytes: 0,
    backendBatchIntervalMs: 100,
    backendBatchLimit: 10_000,
    compactionBatchLimit: 1000,
    compactionSleepIntervalMs: 10,
    autoCompaction: { mode: 'off' },
    initialCorruptCheck: false,
    corruptCheckTimeMs: 0,
    compactHashCheck: false,
    compactHashCheckTimeMs: 60_000,
    maxTxnOps: 128,
    maxRequestBytes: 1.5 * 1024 * 1024,
    maxConcurrentStreams: 0xffff_ffff,
    grpcKeepAliveMinTimeMs: 5000,
    grpcKeepAliveIntervalMs: 2 * 3600 * 1000,
    grpcKeepAliveTimeoutMs: 20_000,
    grpcEngine: 'fast',
    warningApplyDurationMs: 100,
    leaseCheckpoint: false,
    watchProgressNotifyIntervalMs: 600_000,
    logLevel: 'info',
    logFormat: 'json',
    logOutputs: ['default'],
  };
}
