/** A registry of Prometheus metrics under etcd's names; the shell counts, the pure layers do not. */

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount?: number, labels?: Labels): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

export interface Metrics {
  counter(name: string, help: string): Counter;
  gauge(name: string, help: string, read?: () => number): Gauge;
  /** `buckets` are upper bounds, ascending; +Inf is added. */
  histogram(name: string, help: string, buckets: readonly number[]): Histogram;
  /** The Prometheus text format, version 0.0.4. */
  render(): string;
}

/** `count` bounds from `first`, each `factor` times the one before: etcd's bucket layouts. */
export function exponentialBuckets(first: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first * factor ** i);
}
