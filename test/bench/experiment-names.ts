/** `turns` runs nothing: it is what the turn meter saw in all the others. */
export const experimentNames = [
  'put-1',
  'put-64',
  'put-64x16',
  'range-1',
  'range-64',
  'range-64-follower',
  'range-64x16',
  'serializable-64',
  'txn-update-64',
  'watch-1000',
  'watch-idle',
  'lease-keep-alive-64',
  'failover',
  'range-500',
  'paging-500',
  'count-all',
  'big-range',
  'restart',
  'turns',
] as const;

export type ExperimentName = (typeof experimentNames)[number];
