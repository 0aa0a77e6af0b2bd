import { assert, InvariantError, mustGet } from '../base/assert.ts';
import type {
  Counter,
  Gauge,
  Histogram,
  Labels,
  Metrics,
  Sample,
  SeriesCounter,
  Source,
} from './metrics.ts';

/**
 * Metrics in memory, rendered as Prometheus' text format 0.0.4. Counting costs one look-up by object identity
 * and an addition; names, labels and sums over buckets are worked out when somebody asks.
 */
export function createMetrics(): Metrics {
  const families = new Map<string, Rendered>();
  const register = <F extends Rendered>(family: F): F => {
    assert(metricName.test(family.name), `metric name ${family.name} is malformed`);
    assert(!families.has(family.name), `metric ${family.name} is registered twice`);
    families.set(family.name, family);
    return family;
  };
  return {
    counter: (name, help, source) => register(new ValueFamily(name, help, 'counter', source)),
    gauge: (name, help, source) => register(new ValueFamily(name, help, 'gauge', source)),
    histogram: (name, help, buckets, labelNames) =>
      register(new HistogramFamily(name, help, buckets, labelNames)),
    readGauge: (name, help, read) => void register(new ReadGauge(name, help, read)),
    render: () => {
      const lines: string[] = [];
      for (const name of [...families.keys()].sort()) {
        mustGet(families.get(name), name).renderInto(lines);
      }
      return `${lines.join('\n')}\n`;
    },
  };
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Series that one metric may have: beyond it new label values are not shown, so that no client fills the heap. */
export const seriesMax = 10_000;

/** A metric, as far as rendering goes. */
interface Rendered {
  readonly name: string;
  renderInto(lines: string[]): void;
}

/** Keeps nothing: whoever registered it knows its series. */
class ReadGauge implements Rendered {
  readonly name: string;
  private readonly help: string;
  private readonly read: () => readonly Sample[];

  constructor(name: string, help: string, read: () => readonly Sample[]) {
    this.name = name;
    this.help = help;
    this.read = read;
  }

  renderInto(lines: string[]): void {
    const samples = this.read();
    if (samples.length === 0) return;
    lines.push(...headOf(this.name, this.help, 'gauge'));
    for (const { labels, value } of samples.slice(0, seriesMax)) {
      lines.push(sample(this.name, describeLabels(labels), value));
    }
  }
}

/** A metric with all its series. `Series` is what one combination of label values counts in. */
abstract class Family<Series> implements Rendered {
  readonly name: string;
  private readonly help: string;
  private readonly type: string;
  private readonly isLabelled: boolean;
  private readonly byText = new Map<string, Series>();
  private readonly byIdentity = new WeakMap<Labels, Series>();
  private plain: Series | undefined;

  constructor(name: string, help: string, type: string, labelNames: readonly string[] | undefined) {
    this.name = name;
    this.help = help;
    this.type = type;
    this.isLabelled = labelNames !== undefined;
    for (const label of labelNames ?? [])
      assert(labelName.test(label), `label ${label} is malformed`);
  }

  /** One line, or several of a histogram, per series; `labels` is `a="b",c="d"`, or empty. */
  protected abstract renderSeries(lines: string[], labels: string, series: Series): void;
  protected abstract createSeries(): Series;

  series(labels: Labels | undefined): Series {
    if (labels === undefined) return (this.plain ??= this.createSeries());
    return this.byIdentity.get(labels) ?? this.find(labels);
  }

  private find(labels: Labels): Series {
    const text = describeLabels(labels);
    let series = this.byText.get(text);
    if (series === undefined) {
      series = this.createSeries();
      if (this.byText.size >= seriesMax) return series;
      this.byText.set(text, series);
    }
    this.byIdentity.set(labels, series);
    return series;
  }

  renderInto(lines: string[]): void {
    const isUnused = this.plain === undefined && this.byText.size === 0;
    if (isUnused && this.isLabelled) return;
    lines.push(...headOf(this.name, this.help, this.type));
    if (isUnused) this.renderSeries(lines, '', this.createSeries());
    else if (this.plain !== undefined) this.renderSeries(lines, '', this.plain);
    for (const [labels, series] of [...this.byText].sort(byLabels)) {
      this.renderSeries(lines, labels, series);
    }
  }
}

class Value implements SeriesCounter {
  value = 0;

  add(amount = 1): void {
    if (amount < 0) throw new InvariantError('a counter went down');
    this.value += amount;
  }
}

class ValueFamily extends Family<Value> implements Counter, Gauge {
  private readonly read: (() => number) | undefined;

  constructor(name: string, help: string, type: 'counter' | 'gauge', source: Source | undefined) {
    const isRead = typeof source === 'function';
    super(name, help, type, isRead ? undefined : source);
    this.read = isRead ? source : undefined;
  }

  add(amount = 1, labels?: Labels): void {
    this.series(labels).add(amount);
  }

  set(value: number, labels?: Labels): void {
    this.series(labels).value = value;
  }

  protected override createSeries(): Value {
    return new Value();
  }

  protected override renderSeries(lines: string[], labels: string, series: Value): void {
    lines.push(sample(this.name, labels, this.read === undefined ? series.value : this.read()));
  }
}

interface Distribution {
  /** How many fell into each bucket, not yet summed; the last one is +Inf. */
  readonly counts: Float64Array;
  sum: number;
}

class HistogramFamily extends Family<Distribution> implements Histogram {
  private readonly bounds: readonly number[];

  constructor(
    name: string,
    help: string,
    bounds: readonly number[],
    labelNames: readonly string[] | undefined,
  ) {
    super(name, help, 'histogram', labelNames);
    const ascends = bounds.every((bound, i) => i === 0 || bound > (bounds[i - 1] as number));
    assert(ascends, `buckets of ${name} do not ascend`);
    this.bounds = bounds;
  }

  observe(value: number, labels?: Labels): void {
    const series = this.series(labels);
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    (series.counts[bucket] as number) += 1;
    series.sum += value;
  }

  protected override createSeries(): Distribution {
    return { counts: new Float64Array(this.bounds.length + 1), sum: 0 };
  }

  protected override renderSeries(lines: string[], labels: string, series: Distribution): void {
    const before = labels === '' ? '' : `${labels},`;
    let count = 0;
    for (let i = 0; i < series.counts.length; i++) {
      count += series.counts[i] as number;
      const bound = formatValue(this.bounds[i] ?? Infinity);
      lines.push(sample(`${this.name}_bucket`, `${before}le="${bound}"`, count));
    }
    lines.push(sample(`${this.name}_sum`, labels, series.sum));
    lines.push(sample(`${this.name}_count`, labels, count));
  }
}

function byLabels([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Labels in the order of their names, as client_golang writes them. */
function describeLabels(labels: Labels): string {
  const names = Object.keys(labels).sort();
  return names.map((name) => `${name}="${escapeLabel(labels[name] as string)}"`).join(',');
}

function headOf(name: string, help: string, type: string): readonly string[] {
  return [`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`];
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function sample(name: string, labels: string, value: number): string {
  return labels === ''
    ? `${name} ${formatValue(value)}`
    : `${name}{${labels}} ${formatValue(value)}`;
}

function formatValue(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
