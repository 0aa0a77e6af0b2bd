/** A registry of Prometheus metrics under etcd's names; the shell counts, the pure layers do not. */

/**
 * Label values by name. The registry finds the series of a `Labels` object that it has seen before by its
 * identity: where counting must be cheap, keep one object per series and do not change it.
 */
export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface Counter {
  /** `add(0, labels)` makes the series show as 0. */
  add(amount?: number, labels?: Labels): void;
  /** One series to be counted in without looking it up; it shows as 0 from now on. */
  series(labels?: Labels): SeriesCounter;
}

export interface SeriesCounter {
  add(amount?: number): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

/** Label names, or a function that is asked for the value at every `render`. */
export type Source = (() => number) | readonly string[];

/**
 * Each name is registered once. Label names say that every series has labels: then none shows before its first
 * use, while a metric without labels shows as 0 from the start.
 */
export interface Metrics {
  counter(name: string, help: string, source?: Source): Counter;
  gauge(name: string, help: string, source?: Source): Gauge;
  /** `buckets` are upper bounds, ascending; +Inf is added. */
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames?: readonly string[],
  ): Histogram;
  /** Asked for all its series at every `render`. */
  readGauge(name: string, help: string, read: () => readonly Sample[]): void;
  /** The Prometheus text format, version 0.0.4. */
  render(): string;
}

/** `count` bounds from `first`, each `factor` times the one before: etcd's bucket layouts. */
export function exponentialBuckets(first: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first * factor ** i);
}
